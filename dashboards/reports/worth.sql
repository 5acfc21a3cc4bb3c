-- title: Worth of checks
-- question: What does each self-check cost, what does it catch, and is it worth it?
-- A check that rejected an answer was right if the answer accepted in the end says something else.
-- A caught failure is worth what the same success would have cost by asking the strongest model at once.
-- How many of the answers were wrong is what the classifier expected: policies reckon with the same shares.
-- What could not be compared counts for neither side, so the net is known only where something was compared.
WITH took AS (
    SELECT policy, "check", quantile(ms, upto, total, 0.5) AS median_ms
    FROM (
        SELECT
            policy,
            "check",
            ms,
            sum(sum(n)) OVER (PARTITION BY policy, "check" ORDER BY ms) AS upto,
            sum(sum(n)) OVER (PARTITION BY policy, "check") AS total
        FROM time_sums
        WHERE what = 'check'
        GROUP BY policy, "check", ms
    )
    GROUP BY policy, "check"
),
books AS (
    SELECT
        policy,
        "check",
        sum(n)::BIGINT AS ran,
        coalesce(sum(n) FILTER (fired), 0)::BIGINT AS fired,
        coalesce(sum(n) FILTER (fired AND NOT overturned), 0)::BIGINT AS caught,
        coalesce(sum(n) FILTER (fired AND overturned), 0)::BIGINT AS false_alarms,
        coalesce(sum(n) FILTER (fired AND committed), 0)::BIGINT AS seen_too_late,
        round(sum(wrong), 1) AS expected_wrong,
        coalesce(sum(own_cost), 0) AS own,
        coalesce(sum(climb_cost) FILTER (fired AND NOT committed), 0) AS climbs,
        greatest(sum(spared) / nullif(sum(success), 0), 0) AS price
    FROM check_sums
    GROUP BY policy, "check"
)
SELECT
    policy,
    "check",
    ran,
    fired,
    caught,
    false_alarms,
    seen_too_late,
    median_ms,
    expected_wrong,
    own::BIGINT AS own_picodollars,
    climbs::BIGINT AS climbs_picodollars,
    round(fired * caught / nullif(caught + false_alarms, 0) * price)::BIGINT AS caught_worth_picodollars,
    (caught_worth_picodollars - own - climbs)::BIGINT AS net_picodollars
FROM books LEFT JOIN took USING (policy, "check")
ORDER BY policy, fired DESC, "check";
