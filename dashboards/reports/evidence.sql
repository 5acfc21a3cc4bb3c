-- title: Evidence
-- question: How are the amounts known, and how far off can they be?
SELECT
    cost_grade AS known_as,
    count(*) AS attempts,
    count(*) / sum(count(*)) OVER () AS attempts_share,
    sum(cost) AS spend_picodollars,
    sum(coalesce(cost_bound, cost)) AS spend_at_most_picodollars,
    count(cost_reported) AS also_reported,
    sum(cost_reported - cost) FILTER (cost_reported IS NOT NULL) AS reported_above_booked_picodollars
FROM entries
GROUP BY cost_grade
ORDER BY attempts DESC;
