-- title: Checks
-- question: How often did each check run, and how often did it reject an answer?
SELECT
    verdict.key AS "check",
    count(*) AS ran,
    count(*) FILTER (verdict.value <> 'pass') AS fired,
    fired / ran AS fired_share,
    mode(verdict.value) FILTER (verdict.value <> 'pass') AS commonest_reason,
    coalesce(sum(cost) FILTER (verdict.value <> 'pass'), 0) AS spend_on_rejected_picodollars
FROM (SELECT unnest(map_entries(verdicts)) AS verdict, cost FROM entries)
GROUP BY verdict.key
ORDER BY fired DESC, ran DESC, "check";
