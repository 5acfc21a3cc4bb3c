-- title: Trend
-- question: What was spent and saved as time went on?
-- By the hour for three days, by the day for half a year, by the month beyond.
WITH span AS (
    SELECT
        CASE
            WHEN max(last_time) - min(first_time) <= INTERVAL 3 DAY THEN 'hour'
            WHEN max(last_time) - min(first_time) <= INTERVAL 185 DAY THEN 'day'
            ELSE 'month'
        END AS step
    FROM call_sums
),
stepped AS (
    SELECT date_trunc('hour', time) AS time, 1 AS n, cost, saving, baseline_cost, escalated
    FROM requests
    WHERE (SELECT step FROM span) = 'hour'
    UNION ALL
    SELECT date_trunc((SELECT step FROM span), time), n, cost, saving, baseline_cost, escalated
    FROM request_sums
    WHERE (SELECT step FROM span) <> 'hour'
)
SELECT
    time,
    sum(n)::BIGINT AS requests,
    sum(cost) AS spend_picodollars,
    coalesce(sum(baseline_cost) FILTER (saving IS NOT NULL), 0)::HUGEINT AS strongest_alone_picodollars,
    coalesce(sum(saving), 0)::HUGEINT AS saving_picodollars,
    coalesce(sum(n) FILTER (escalated), 0) / sum(n) AS escalated_share
FROM stepped
GROUP BY ALL
ORDER BY ALL;
