-- Plausible traffic: attempts, checks, escalations, failures; read by ledgers.py.
WITH requests AS (
    SELECT
        i,
        md5(i::VARCHAR) AS request_id,
        TIMESTAMP '2026-11-24 12:00:00' - to_microseconds((($requests - i) * (1e6 * $seconds / $requests))::BIGINT) AS began,
        hash(i) % 100 AS dice,
        hash(i + 7) % 1000 AS size,
        hash(i + 13) % 1000 / 1000.0 AS luck,
        ['small', 'middle', 'large'][1 + (hash(i + 3) % 100 > 60)::INT + (hash(i + 3) % 100 > 88)::INT] AS start
    FROM range($requests) AS t(i)
),
attempts AS (
    -- Of a hundred requests 12 climb, 4 are checked by a model, 1 fails and 1 is given up by its caller.
    SELECT *, CASE WHEN dice < 16 THEN 2 ELSE 1 END AS last, unnest(range(1, last + 1)) AS attempt
    FROM requests
)
INSERT INTO ledger BY NAME
SELECT
    began + INTERVAL (400 * (attempt - 1)) MILLISECOND AS time,
    request_id,
    attempt,
    CASE WHEN dice BETWEEN 12 AND 15 AND attempt = 1 THEN 'check' ELSE 'answer' END AS purpose,
    attempt = last AS final,
    CASE
        WHEN dice < 12 AND attempt = 1 THEN 'rejected'
        WHEN dice = 98 THEN 'failed'
        WHEN dice = 99 THEN 'cancelled'
        ELSE 'accepted'
    END AS status,
    CASE WHEN dice = 98 THEN 'TimedOut' END AS error,
    'key-' || (i % 40) AS key,
    'team-' || (i % 12) AS team,
    'user-' || (hash(i + 21) % 5000) AS "user",
    CASE WHEN i % 5 = 0 THEN ['nightly', 'docs'] ELSE []::VARCHAR[] END AS tags,
    'session-' || (i // 6) AS session,
    NULL AS run,
    'chat' AS dialect,
    i % 3 = 0 AS stream,
    ['default', 'careful'][1 + (i % 4 = 0)::INT] AS policy,
    'c0ffee' AS config,
    'auto' AS asked,
    CASE WHEN attempt > 1 AND start = 'small' THEN 'middle' WHEN attempt > 1 THEN 'large' ELSE start END AS model,
    'pool' AS upstream,
    ['vllm', 'together'][1 + (model = 'large')::INT] AS provider,
    model AS served_model,
    false AS substituted,
    CASE WHEN attempt > 1 THEN 'escalated: shape said cut off' ELSE 'cheapest adequate (p=0.91)' END AS reason,
    'held' AS release,
    'stop' AS finish_reason,
    200 + size * 3 AS input_tokens,
    CASE WHEN i % 4 = 0 THEN size END AS cached_tokens,
    NULL AS cache_write_tokens,
    50 + size // 2 AS output_tokens,
    NULL AS reasoning_tokens,
    CASE WHEN dice = 99 THEN 'estimated' ELSE 'reported' END AS usage_grade,
    (input_tokens + 4 * output_tokens)
        * (CASE model WHEN 'small' THEN 50_000 WHEN 'middle' THEN 200_000 ELSE 900_000 END) AS cost,
    CASE WHEN dice = 99 THEN cost * 2 ELSE cost END AS cost_bound,
    CASE WHEN dice = 99 THEN 'estimated' ELSE 'computed' END AS cost_grade,
    CASE WHEN final THEN 'large' END AS baseline_model,
    CASE WHEN final AND status <> 'failed' THEN (input_tokens + 4 * output_tokens) * 900_000 END AS baseline_cost,
    120 + 900 * luck * luck + 2 * output_tokens AS duration_ms,
    40 + 200 * luck AS first_token_ms,
    input_tokens AS prompt_tokens,
    MAP {'small': 0.8, 'middle': 0.9, 'large': 0.95} AS predictions,
    CASE
        WHEN status = 'rejected' THEN MAP {'shape': 'cut off'}
        ELSE MAP {'shape': 'pass', 'refusal': 'pass'}
    END AS verdicts,
    'interactive' AS lane,
    CASE WHEN i % 50 = 0 THEN 'control' ELSE 'routed' END AS arm,
    CASE WHEN i % 50 = 0 THEN 0.02 ELSE 0.98 END AS propensity,
    CASE model WHEN 'small' THEN 0.88 WHEN 'middle' THEN 0.91 ELSE 0.95 END - luck / 10 AS predicted,
    0.95 - luck / 10 AS baseline_predicted,
    CASE WHEN final THEN 'small' END AS cheapest_model,
    CASE WHEN final AND status <> 'failed' THEN (input_tokens + 4 * output_tokens) * 50_000 END AS cheapest_cost,
    0.85 - luck / 5 AS cheapest_predicted,
    last AS attempts,
    CASE WHEN dice < 12 AND attempt = 1 THEN CASE start WHEN 'small' THEN 'middle' ELSE 'large' END END AS handed_to,
    CASE WHEN final THEN status END AS ended,
    CASE WHEN final THEN dice < 12 END AS escalated,
    CASE WHEN final THEN cost + CASE WHEN last = 2 THEN cost // 4 ELSE 0 END END AS total_cost,
    total_cost + CASE WHEN dice = 99 THEN cost ELSE 0 END AS total_bound,
    CASE WHEN final AND dice < 12 THEN cost // 4 WHEN final THEN 0 END AS rejected_cost,
    CASE WHEN final THEN 0 END AS unpriced_attempts,
    CASE WHEN final THEN (dice = 99)::INT END AS estimated_attempts,
    CASE WHEN final THEN output_tokens END AS total_output_tokens,
    CASE WHEN final THEN duration_ms + 400 * (last - 1) END AS total_ms,
    CASE WHEN final AND status = 'accepted' THEN first_token_ms + 400 * (last - 1) END AS answered_ms
FROM attempts
