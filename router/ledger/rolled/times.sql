-- How long things took: `what` it was, and for a check its name.
-- sum: n
SELECT time, {labels}, what, "check", {ms} AS ms, 1 AS n
FROM (
    SELECT time, {labels}, 'latency' AS what, NULL::VARCHAR AS "check", latency_ms AS ms
    FROM asked
    WHERE ended <> 'failed' AND latency_ms IS NOT NULL
    UNION ALL
    SELECT time, {labels}, 'first token', NULL, first_token_ms
    FROM asked
    WHERE ended <> 'failed' AND first_token_ms IS NOT NULL
    UNION ALL
    SELECT time, {labels}, 'attempt', NULL, duration_ms
    FROM calls
    WHERE duration_ms IS NOT NULL
    UNION ALL
    SELECT time, {labels}, 'check', took.key, took.value
    FROM (
        SELECT *, unnest(map_entries(verdict_ms)) AS took
        FROM calls
        WHERE purpose = 'answer' AND cardinality(verdict_ms) > 0
    )
)
