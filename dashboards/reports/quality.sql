-- title: Quality
-- question: How many answers passed their checks, and what was told of them afterwards?
-- by: policy
-- Accepted: its checks passed, which they may do wrongly. Rated: a user, a test or a judge told what came of it.
-- Predicted is what the classifier expected, of the model that answered and of the strongest.
WITH rated AS (
    SELECT dimension, count(score) AS rated, avg(score) AS good
    FROM requests JOIN ratings USING (request_id)
    GROUP BY dimension
),
fates AS (
    SELECT
        dimension,
        sum(n)::BIGINT AS requests,
        coalesce(sum(n) FILTER (ended = 'accepted'), 0) AS accepted,
        coalesce(sum(n) FILTER (ended = 'rejected'), 0) AS shown,
        coalesce(sum(n) FILTER (ended = 'failed'), 0) AS failed,
        coalesce(sum(n) FILTER (escalated), 0) AS escalated,
        sum(predicted) / nullif(sum(predicted_n), 0) AS predicted,
        sum(baseline_predicted) / nullif(sum(baseline_predicted_n), 0) AS strongest
    FROM request_sums
    GROUP BY dimension
)
SELECT
    fates.dimension,
    requests,
    accepted / requests AS accepted_share,
    shown / requests AS shown_though_rejected_share,
    failed / requests AS failed_share,
    escalated / requests AS escalated_share,
    coalesce(rated, 0) AS rated,
    good AS good_share,
    predicted AS predicted_share,
    strongest AS strongest_predicted_share
FROM fates LEFT JOIN rated ON rated.dimension IS NOT DISTINCT FROM fates.dimension
ORDER BY CASE WHEN getvariable('chronological') THEN fates.dimension END, requests DESC, fates.dimension;
