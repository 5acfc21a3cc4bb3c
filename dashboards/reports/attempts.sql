-- title: Attempts
-- question: What was tried, why, what was thought of it, and what was struck out?
-- For one request: `--where request_id=...`; else the latest.
SELECT
    time, request_id, attempt, purpose, model, provider, reason, status, error,
    array_to_string([v.key || ': ' || v.value FOR v IN map_entries(verdicts)], '; ') AS verdicts,
    array_to_string([p.key || ' ' || round(p.value, 2) FOR p IN map_entries(predictions)], '; ') AS predictions,
    array_to_string([r.key || ': ' || r.value FOR r IN map_entries(refused)], '; ') AS struck_out,
    input_tokens, cached_tokens, output_tokens, cost AS cost_picodollars, cost_bound AS cost_at_most_picodollars,
    cost_grade, first_token_ms AS first_token_ms, duration_ms AS duration_ms
FROM entries
ORDER BY entries.time DESC, request_id, attempt
LIMIT 100;
