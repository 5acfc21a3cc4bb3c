-- title: Overview
-- question: What did requests cost, what was saved, and how did they fare?
-- layout: card
SELECT
    count(*) AS requests,
    coalesce(sum(attempts), 0) AS attempts,
    count(*) FILTER (escalated) AS escalated,
    count(*) FILTER (escalated) / count(*) AS escalated_share,
    count(*) FILTER (failed) AS failed,
    count(*) FILTER (failed) / count(*) AS failed_share,
    count(*) FILTER (cancelled) AS cancelled,
    coalesce(sum(cost), 0) AS spend_picodollars,
    coalesce(sum(rejected_cost), 0) AS spend_on_rejected_picodollars,
    mode(baseline_model) AS strongest_model,
    sum(baseline_cost) FILTER (saving IS NOT NULL) AS strongest_alone_picodollars,
    sum(saving) AS saving_picodollars,
    sum(saving) / sum(baseline_cost) FILTER (saving IS NOT NULL) AS saving_share,
    count(*) - count(saving) AS requests_without_known_saving,
    quantile_cont(latency_ms, 0.5) FILTER (NOT failed) AS latency_p50_ms,
    quantile_cont(latency_ms, 0.95) FILTER (NOT failed) AS latency_p95_ms,
    quantile_cont(first_token_ms, 0.5) AS first_token_p50_ms,
    quantile_cont(first_token_ms, 0.95) AS first_token_p95_ms,
    sum(estimated_rows) / sum(attempts) AS estimated_share,
    coalesce(sum(unpriced_rows), 0) AS unpriced_attempts,
    sum(simulated_rows) / sum(attempts) AS simulated_share
FROM requests;
