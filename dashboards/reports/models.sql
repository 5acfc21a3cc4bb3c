-- title: Models
-- question: Which models did the work, how well, and what did each cost?
SELECT
    model,
    provider,
    count(*) FILTER (purpose = 'answer') AS attempts,
    count(*) FILTER (purpose = 'answer' AND status = 'accepted') AS accepted,
    count(*) FILTER (purpose = 'answer' AND status = 'rejected') AS rejected,
    count(*) FILTER (purpose = 'answer' AND status = 'failed') AS failed,
    count(*) FILTER (purpose = 'answer' AND status = 'cancelled') AS cancelled,
    accepted / nullif(count(*) FILTER (purpose = 'answer'), 0) AS accepted_share,
    count(*) FILTER (purpose = 'check') AS calls_to_check,
    sum(cost) AS spend_picodollars,
    sum(cost) // nullif(count(cost), 0) AS mean_cost_picodollars,
    quantile_cont(duration_ms, 0.5) AS duration_p50_ms
FROM entries
GROUP BY model, provider
ORDER BY spend_picodollars DESC NULLS LAST, model, provider;
