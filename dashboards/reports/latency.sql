-- title: Latency
-- question: How long did people wait, for the first token and for all of it?
-- by: model
-- Of requests, from the first attempt on: what was given up before the answer counts.
SELECT
    dimension,
    requests,
    first_token[1] AS first_token_p50_ms,
    first_token[2] AS first_token_p95_ms,
    latency[1] AS latency_p50_ms,
    latency[2] AS latency_p95_ms
FROM (
    SELECT
        dimension,
        count(*) AS requests,
        quantile_cont(first_token_ms, [0.5, 0.95]) AS first_token,
        quantile_cont(latency_ms, [0.5, 0.95]) AS latency
    FROM requests
    WHERE ended <> 'failed'
    GROUP BY dimension
)
ORDER BY CASE WHEN getvariable('chronological') THEN dimension END, requests DESC, dimension;
