-- Verdicts: what each check cost and caught, what climbing after it cost, and what the strongest model would have.
-- sum: n, own_cost, climb_cost, wrong, spared, success
WITH single AS (
    -- Most requests have one attempt, which need not be looked for its likes.
    SELECT
        time, {labels}, verdicts, verdict_cost, predictions, cost, committed, overturned,
        0::HUGEINT AS climb_cost,
        baseline_model AS strongest,
        baseline_cost AS strongest_cost
    FROM calls
    WHERE purpose = 'answer' AND attempts = 1 AND cardinality(verdicts) > 0
),
several AS (
    SELECT
        time, {labels}, verdicts, verdict_cost, predictions, cost, committed, overturned,
        coalesce(sum(cost) OVER later, 0) AS climb_cost,
        max(baseline_model) OVER whole AS strongest,
        max(baseline_cost) OVER whole AS strongest_cost
    FROM calls
    WHERE purpose = 'answer' AND attempts IS DISTINCT FROM 1
    WINDOW
        whole AS (PARTITION BY request_id),
        later AS (
            PARTITION BY request_id ORDER BY attempt
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        )
),
told AS (
    SELECT *, unnest(map_entries(verdicts)) AS verdict FROM single
    UNION ALL
    SELECT *, unnest(map_entries(verdicts)) AS verdict FROM several WHERE cardinality(verdicts) > 0
)
SELECT
    time,
    {labels},
    verdict.key AS "check",
    verdict.value <> 'pass' AS fired,
    committed,
    overturned,
    1 AS n,
    verdict_cost[verdict.key] AS own_cost,
    climb_cost,
    1 - predictions[model] AS wrong,
    CASE WHEN strongest <> model THEN strongest_cost - cost END AS spared,
    CASE WHEN strongest <> model THEN predictions[strongest] - predictions[model] END AS success
FROM told
