-- title: Recent requests
-- question: What was asked last, who answered, and why?
SELECT
    time, request_id, asked, policy, model, ended, attempts, reason, total_cost AS cost_picodollars,
    total_ms AS latency_ms, answered_ms AS first_token_ms, arm
FROM entries
WHERE final AND ended IS NOT NULL
ORDER BY time DESC, request_id
LIMIT 50;
