-- title: Checks
-- question: How often did each check run, and how often did it reject an answer?
WITH alike AS (
    -- Few differ: together first, so that few have to be taken apart.
    SELECT any_value(verdicts) AS verdicts, sum(n) AS rows, sum(cost) AS cost
    FROM call_sums
    WHERE cardinality(verdicts) > 0
    GROUP BY verdicts::VARCHAR
),
told AS (SELECT unnest(map_entries(verdicts)) AS verdict, rows, cost FROM alike)
SELECT
    verdict.key AS "check",
    sum(rows)::BIGINT AS ran,
    coalesce(sum(rows) FILTER (verdict.value <> 'pass'), 0)::BIGINT AS fired,
    fired / ran AS fired_share,
    arg_max(verdict.value, rows) FILTER (verdict.value <> 'pass') AS commonest_reason,
    coalesce(sum(cost) FILTER (verdict.value <> 'pass'), 0)::HUGEINT AS spend_on_rejected_picodollars
FROM told
GROUP BY verdict.key
ORDER BY fired DESC, ran DESC, "check";
