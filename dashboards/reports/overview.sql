-- title: Overview
-- question: What did requests cost, what was saved, and how did they fare?
-- layout: card
-- What was spent counts every attempt, check and audit; a saving's interval is by leaving out a fortieth at a time.
WITH money AS (
    SELECT
        count(*) FILTER (purpose <> 'audit') AS attempts,
        coalesce(sum(cost), 0) AS spend,
        coalesce(sum(coalesce(cost_bound, cost)), 0) AS bound,
        coalesce(sum(cost) FILTER (status = 'rejected' AND purpose = 'answer'), 0) AS rejected,
        coalesce(sum(cost) FILTER (purpose = 'check'), 0) AS checks,
        coalesce(sum(cost) FILTER (purpose = 'audit'), 0) AS audits,
        count(*) FILTER (usage_grade = 'estimated') / count(*) AS estimated_share,
        count(*) FILTER (cost IS NULL) AS unpriced,
        count(*) FILTER (simulated) / count(*) AS simulated_share
    FROM entries
),
fates AS (
    SELECT
        count(*) AS requests,
        count(*) FILTER (escalated) AS escalated,
        count(*) FILTER (ended = 'accepted') AS accepted,
        count(*) FILTER (ended = 'failed') AS failed,
        count(*) FILTER (ended = 'cancelled') AS cancelled,
        max(baseline_model) AS strongest_model,
        quantile_cont(latency_ms, [0.5, 0.95]) FILTER (ended <> 'failed') AS latency,
        quantile_cont(first_token_ms, [0.5, 0.95]) AS first_token
    FROM requests
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
    strongest AS strongest_alone_picodollars,
    saving AS saving_picodollars,
    saving_share,
    saving_share - saving_half AS saving_low_share,
    saving_share + saving_half AS saving_high_share,
    mix_share AS saving_on_random_mix_share,
    mix_share - mix_half AS saving_on_random_mix_low_share,
    mix_share + mix_half AS saving_on_random_mix_high_share,
    fates.requests - coalesce(known, 0) AS requests_without_known_saving,
    latency[1] AS latency_p50_ms,
    latency[2] AS latency_p95_ms,
    first_token[1] AS first_token_p50_ms,
    first_token[2] AS first_token_p95_ms,
    estimated_share,
    unpriced AS unpriced_attempts,
    simulated_share
FROM money CROSS JOIN fates LEFT JOIN saved ON true;
