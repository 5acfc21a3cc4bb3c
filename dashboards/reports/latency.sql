-- title: Latency
-- question: How long did people wait, for the first token and for all of it?
-- by: model
-- Of requests, from the first attempt on: what was given up before the answer counts.
-- Quantiles of more than a hundred thousand calls are told to within half a percent.
SELECT
    dimension,
    requests,
    first_token_p50_ms,
    first_token_p95_ms,
    latency_p50_ms,
    latency_p95_ms
FROM waits
ORDER BY CASE WHEN getvariable('chronological') THEN dimension END, requests DESC, dimension;
