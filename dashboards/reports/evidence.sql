-- title: Evidence
-- question: How are the amounts known, and how far off can they be?
SELECT
    cost_grade AS known_as,
    sum(n)::BIGINT AS attempts,
    sum(n) / sum(sum(n)) OVER () AS attempts_share,
    sum(cost) AS spend_picodollars,
    sum(at_most) AS spend_at_most_picodollars,
    sum(reported)::BIGINT AS also_reported,
    sum(reported_above) AS reported_above_booked_picodollars
FROM call_sums
GROUP BY cost_grade
ORDER BY attempts DESC;
