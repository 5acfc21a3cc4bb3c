-- title: Trend
-- question: What was spent and saved as time went on?
-- By the hour for three days, by the day for half a year, by the month beyond.
WITH span AS (
    SELECT
        CASE
            WHEN max(time) - min(time) <= INTERVAL 3 DAY THEN 'hour'
            WHEN max(time) - min(time) <= INTERVAL 185 DAY THEN 'day'
            ELSE 'month'
        END AS step
    FROM entries
)
SELECT
    date_trunc((SELECT step FROM span), time) AS time,
    count(*) AS requests,
    sum(cost) AS spend_picodollars,
    coalesce(sum(baseline_cost) FILTER (saving IS NOT NULL), 0)::HUGEINT AS strongest_alone_picodollars,
    coalesce(sum(saving), 0)::HUGEINT AS saving_picodollars,
    count(*) FILTER (escalated) / count(*) AS escalated_share
FROM requests
GROUP BY ALL
ORDER BY ALL;
