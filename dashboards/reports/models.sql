-- title: Models
-- question: Which models did the work, how well, and what did each cost?
WITH alike AS (
    -- Together by what they have in common first: then few rows are left to count.
    SELECT model, provider, purpose, status, sum(n) AS n, sum(priced) AS priced, sum(cost) AS cost
    FROM call_sums
    GROUP BY ALL
),
counted AS (
    SELECT
        model,
        provider,
        coalesce(sum(n) FILTER (purpose = 'answer'), 0)::BIGINT AS attempts,
        coalesce(sum(n) FILTER (purpose = 'answer' AND status = 'accepted'), 0)::BIGINT AS accepted,
        coalesce(sum(n) FILTER (purpose = 'answer' AND status = 'rejected'), 0)::BIGINT AS rejected,
        coalesce(sum(n) FILTER (purpose = 'answer' AND status = 'failed'), 0)::BIGINT AS failed,
        coalesce(sum(n) FILTER (purpose = 'answer' AND status = 'cancelled'), 0)::BIGINT AS cancelled,
        coalesce(sum(n) FILTER (purpose = 'check'), 0)::BIGINT AS calls_to_check,
        coalesce(sum(n) FILTER (purpose = 'audit'), 0)::BIGINT AS calls_to_audit,
        sum(cost)::HUGEINT AS spend,
        sum(priced) AS priced
    FROM alike
    GROUP BY model, provider
),
ranked AS (
    SELECT
        model,
        provider,
        ms,
        sum(sum(n)) OVER (PARTITION BY model, provider ORDER BY ms) AS upto,
        sum(sum(n)) OVER (PARTITION BY model, provider) AS total
    FROM time_sums
    WHERE what = 'attempt'
    GROUP BY model, provider, ms
),
times AS (
    SELECT model, provider, quantile(ms, upto, total, 0.5) AS duration
    FROM ranked
    GROUP BY model, provider
)
SELECT
    counted.model,
    counted.provider,
    attempts,
    accepted,
    rejected,
    failed,
    cancelled,
    accepted / nullif(attempts, 0) AS accepted_share,
    calls_to_check,
    calls_to_audit,
    spend AS spend_picodollars,
    (spend // nullif(priced, 0))::HUGEINT AS mean_cost_picodollars,
    duration AS duration_p50_ms
FROM counted JOIN times ON times.model = counted.model AND times.provider IS NOT DISTINCT FROM counted.provider
ORDER BY spend_picodollars DESC NULLS LAST, counted.model, counted.provider;
