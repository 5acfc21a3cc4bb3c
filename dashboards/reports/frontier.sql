-- title: Cost and quality
-- question: Is routing better than one model alone, and than a random mix of two?
-- Chances of success are the classifier's, and costs are for the same tokens: computed, not measured (see `prove`).
WITH sums AS (
    SELECT
        sum(n) AS n,
        sum(cost) AS c, sum(baseline_cost) AS s, sum(cheapest_cost) AS w,
        sum(predicted) / sum(n) AS q, sum(baseline_predicted) / sum(n) AS qs, sum(cheapest_predicted) / sum(n) AS qw
    FROM request_sums
    WHERE mixable
)
SELECT unnest([
    {'way': 'routed', 'mean_cost_picodollars': c // n, 'predicted_share': q},
    {'way': 'cheapest alone', 'mean_cost_picodollars': w // n, 'predicted_share': qw},
    {'way': 'strongest alone', 'mean_cost_picodollars': s // n, 'predicted_share': qs},
    {
        'way': 'random mix at the same cost',
        'mean_cost_picodollars': c // n,
        'predicted_share': qw + (qs - qw) * greatest(0, least(1, (c - w) / nullif(s - w, 0)))
    }
], recursive := true)
FROM sums
WHERE n > 0;
