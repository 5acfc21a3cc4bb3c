-- title: Savings
-- question: What would the strongest model alone, or a random mix, have cost, and what was spent instead?
-- by: day
-- A request counts under the model that was tried last, with the cost of all its attempts; audits under theirs.
-- The mix draws between the cheapest and the strongest model so that its predicted quality is the same.
WITH parts AS MATERIALIZED (
    SELECT
        dimension,
        part,
        sum(request) AS requests,
        count(saving) FILTER (request = 1) AS known,
        sum(cost) AS spend,
        sum(rejected_cost) AS rejected,
        sum(saving) AS saving,
        coalesce(sum(strongest), 0) AS strongest,
        coalesce(sum(mixable_cost), 0) AS cost,
        coalesce(sum(mix_strongest), 0) AS s,
        coalesce(sum(mix_cheapest), 0) AS w,
        coalesce(sum(own_chance), 0) AS q,
        coalesce(sum(strongest_chance), 0) AS qs,
        coalesce(sum(cheapest_chance), 0) AS qw
    FROM costs
    GROUP BY dimension, part
),
whole AS (
    SELECT
        dimension, sum(requests) AS requests, sum(known) AS known, sum(spend) AS spend, sum(rejected) AS rejected,
        sum(saving) AS saving, sum(strongest) AS strongest, sum(cost) AS cost,
        sum(s) AS s, sum(w) AS w, sum(q) AS q, sum(qs) AS qs, sum(qw) AS qw,
        mix_cost(sum(w), sum(s), sum(q), sum(qw), sum(qs)) AS mix
    FROM parts
    GROUP BY dimension
),
chance AS (
    SELECT
        whole.dimension,
        half_width(
            (whole.saving - coalesce(parts.saving, 0)) / nullif(whole.strongest - parts.strongest, 0)
        ) AS saving,
        half_width(1 - (whole.cost - parts.cost) / nullif(mix_cost(
            whole.w - parts.w, whole.s - parts.s, whole.q - parts.q, whole.qw - parts.qw, whole.qs - parts.qs
        ), 0)) AS mix
    FROM whole JOIN parts ON parts.dimension IS NOT DISTINCT FROM whole.dimension
    GROUP BY whole.dimension
)
SELECT
    whole.dimension,
    requests,
    requests - known AS requests_without_known_saving,
    spend AS spend_picodollars,
    rejected AS spend_on_rejected_picodollars,
    CASE WHEN known > 0 THEN strongest END::HUGEINT AS strongest_alone_picodollars,
    whole.saving::HUGEINT AS saving_picodollars,
    whole.saving / nullif(strongest, 0) AS saving_share,
    whole.saving / nullif(strongest, 0) - chance.saving AS saving_low_share,
    whole.saving / nullif(strongest, 0) + chance.saving AS saving_high_share,
    1 - cost / nullif(whole.mix, 0) AS saving_on_random_mix_share,
    1 - cost / nullif(whole.mix, 0) - chance.mix AS saving_on_random_mix_low_share,
    1 - cost / nullif(whole.mix, 0) + chance.mix AS saving_on_random_mix_high_share
FROM whole JOIN chance ON chance.dimension IS NOT DISTINCT FROM whole.dimension
ORDER BY
    CASE WHEN getvariable('chronological') THEN whole.dimension END,
    saving_picodollars DESC NULLS LAST,
    whole.dimension;
