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
),
parts AS MATERIALIZED (
    SELECT
        part,
        count(saving) FILTER (request = 1) AS known,
        sum(saving) AS saving,
        sum(strongest) AS strongest,
        coalesce(sum(mixable_cost), 0) AS cost,
        coalesce(sum(mix_strongest), 0) AS s,
        coalesce(sum(mix_cheapest), 0) AS w,
        coalesce(sum(own_chance), 0) AS q,
        coalesce(sum(strongest_chance), 0) AS qs,
        coalesce(sum(cheapest_chance), 0) AS qw
    FROM costs
    GROUP BY part
),
whole AS (
    SELECT
        sum(known) AS known, sum(saving) AS saving, sum(strongest) AS strongest, sum(cost) AS cost,
        sum(s) AS s, sum(w) AS w, sum(q) AS q, sum(qs) AS qs, sum(qw) AS qw,
        mix_cost(sum(w), sum(s), sum(q), sum(qw), sum(qs)) AS mix
    FROM parts
),
chance AS (
    SELECT
        half_width((whole.saving - parts.saving) / nullif(whole.strongest - parts.strongest, 0)) AS saving,
        half_width(1 - (whole.cost - parts.cost) / nullif(mix_cost(
            whole.w - parts.w, whole.s - parts.s, whole.q - parts.q, whole.qw - parts.qw, whole.qs - parts.qs
        ), 0)) AS mix
    FROM whole, parts
)
SELECT
    requests,
    attempts,
    escalated,
    escalated / requests AS escalated_share,
    accepted / requests AS accepted_share,
    failed,
    failed / requests AS failed_share,
    cancelled,
    spend AS spend_picodollars,
    bound AS spend_at_most_picodollars,
    rejected AS spend_on_rejected_picodollars,
    checks AS spend_on_checks_picodollars,
    audits AS spend_on_audits_picodollars,
    strongest_model,
    CASE WHEN known > 0 THEN strongest END::HUGEINT AS strongest_alone_picodollars,
    whole.saving::HUGEINT AS saving_picodollars,
    whole.saving / nullif(strongest, 0) AS saving_share,
    whole.saving / nullif(strongest, 0) - chance.saving AS saving_low_share,
    whole.saving / nullif(strongest, 0) + chance.saving AS saving_high_share,
    1 - cost / nullif(whole.mix, 0) AS saving_on_random_mix_share,
    1 - cost / nullif(whole.mix, 0) - chance.mix AS saving_on_random_mix_low_share,
    1 - cost / nullif(whole.mix, 0) + chance.mix AS saving_on_random_mix_high_share,
    requests - coalesce(known, 0) AS requests_without_known_saving,
    latency[1] AS latency_p50_ms,
    latency[2] AS latency_p95_ms,
    first_token[1] AS first_token_p50_ms,
    first_token[2] AS first_token_p95_ms,
    estimated_share,
    unpriced AS unpriced_attempts,
    simulated_share
FROM money, fates, whole, chance;
