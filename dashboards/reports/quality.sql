-- title: Quality
-- question: How many answers passed their checks, and what was told of them afterwards?
-- by: policy
-- Accepted: its checks passed, which they may do wrongly. Rated: a user, a test or a judge told what came of it.
-- Predicted is what the classifier expected, of the model that answered and of the strongest.
SELECT
    dimension,
    count(*) AS requests,
    count(*) FILTER (ended = 'accepted') / count(*) AS accepted_share,
    count(*) FILTER (ended = 'rejected') / count(*) AS shown_though_rejected_share,
    count(*) FILTER (ended = 'failed') / count(*) AS failed_share,
    count(*) FILTER (escalated) / count(*) AS escalated_share,
    count(score) AS rated,
    avg(score) AS good_share,
    avg(predicted) AS predicted_share,
    avg(baseline_predicted) AS strongest_predicted_share
FROM requests LEFT JOIN ratings USING (request_id)
GROUP BY dimension
ORDER BY CASE WHEN getvariable('chronological') THEN dimension END, requests DESC, dimension;
