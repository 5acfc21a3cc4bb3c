-- title: Overview
-- question: What did requests cost, what was saved, and how did they fare?
-- layout: card
-- What was spent counts every attempt, check and audit; a saving's interval is by leaving out a fortieth at a time.
WITH money AS (
    SELECT
        coalesce(sum(n) FILTER (purpose <> 'audit'), 0) AS attempts,
        coalesce(sum(cost), 0) AS spend,
        coalesce(sum(at_most), 0) AS bound,
        coalesce(sum(cost) FILTER (status = 'rejected' AND purpose = 'answer'), 0) AS rejected,
        coalesce(sum(cost) FILTER (purpose = 'check'), 0) AS checks,
        coalesce(sum(cost) FILTER (purpose = 'audit'), 0) AS audits,
        coalesce(sum(n) FILTER (usage_grade = 'estimated'), 0) / sum(n) AS estimated_share,
        coalesce(sum(n - priced), 0) AS unpriced,
        coalesce(sum(n) FILTER (simulated), 0) / sum(n) AS simulated_share
    FROM call_sums
),
fates AS (
    SELECT
        coalesce(sum(n), 0) AS requests,
        coalesce(sum(n) FILTER (escalated), 0) AS escalated,
        coalesce(sum(n) FILTER (ended = 'accepted'), 0) AS accepted,
        coalesce(sum(n) FILTER (ended = 'failed'), 0) AS failed,
        coalesce(sum(n) FILTER (ended = 'cancelled'), 0) AS cancelled,
        max(baseline_model) AS strongest_model
    FROM request_sums
)
SELECT
    fates.requests,
    attempts,
    escalated,
    escalated / fates.requests AS escalated_share,
    accepted / fates.requests AS accepted_share,
    failed,
    failed / fates.requests AS failed_share,
    cancelled,
    money.spend AS spend_picodollars,
    bound AS spend_at_most_picodollars,
    money.rejected AS spend_on_rejected_picodollars,
    checks AS spend_on_checks_picodollars,
    audits AS spend_on_audits_picodollars,
    strongest_model,
    saved.* EXCLUDE (dimension, requests, known, spend, rejected),
    fates.requests - coalesce(known, 0) AS requests_without_known_saving,
    latency_p50_ms,
    latency_p95_ms,
    first_token_p50_ms,
    first_token_p95_ms,
    estimated_share,
    unpriced AS unpriced_attempts,
    simulated_share
FROM money CROSS JOIN fates LEFT JOIN saved ON true LEFT JOIN waits ON true;
