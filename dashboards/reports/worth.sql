-- title: Worth of checks
-- question: What does each self-check cost, what does it catch, and is it worth it?
-- A check that rejected an answer was right if the answer accepted in the end says something else.
-- A caught failure is worth what the same success would have cost by asking the strongest model at once.
-- How many of the answers were wrong is what the classifier expected: policies reckon with the same shares.
-- What could not be compared counts for neither side, so the net is known only where something was compared.
WITH answers AS (
    SELECT
        policy,
        model,
        cost,
        committed,
        overturned,
        predictions,
        verdicts,
        verdict_cost,
        verdict_ms,
        coalesce(sum(cost) OVER later, 0) AS climb_cost,
        max(baseline_model) OVER whole AS strongest,
        max(baseline_cost) OVER whole AS strongest_cost
    FROM entries
    WHERE purpose = 'answer'
    WINDOW
        whole AS (PARTITION BY request_id),
        later AS (
            PARTITION BY request_id ORDER BY attempt
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        )
),
apart AS (
    SELECT *, unnest(map_entries(verdicts)) AS verdict
    FROM answers
    WHERE cardinality(verdicts) > 0
),
told AS (
    SELECT
        policy,
        verdict,
        verdict.value <> 'pass' AS fired,
        verdict_cost[verdict.key] AS own,
        verdict_ms[verdict.key] AS took,
        committed,
        overturned,
        climb_cost,
        1 - predictions[model] AS wrong,
        CASE WHEN strongest <> model THEN strongest_cost - cost END AS spared,
        CASE WHEN strongest <> model THEN predictions[strongest] - predictions[model] END AS success
    FROM apart
),
books AS (
    SELECT
        policy,
        verdict.key AS "check",
        count(*) AS ran,
        count(*) FILTER (fired) AS fired,
        count(*) FILTER (fired AND NOT overturned) AS caught,
        count(*) FILTER (fired AND overturned) AS false_alarms,
        count(*) FILTER (fired AND committed) AS seen_too_late,
        median(took) AS median_ms,
        round(sum(wrong), 1) AS expected_wrong,
        coalesce(sum(own), 0) AS own,
        coalesce(sum(climb_cost) FILTER (fired AND NOT committed), 0) AS climbs,
        greatest(sum(spared) / nullif(sum(success), 0), 0) AS price
    FROM told
    GROUP BY policy, verdict.key
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
FROM books
ORDER BY policy, fired DESC, "check";
