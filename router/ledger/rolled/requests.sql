-- Requests: what they came to, what they saved, and the squares that an interval needs.
-- sum: n, cost, rejected_cost, saving, baseline_cost, cheapest_cost, predicted, predicted_n, baseline_predicted,
-- sum: baseline_predicted_n, cheapest_predicted, squared_dollars, latency_ms, latency_n, squared_ms
-- min: first_time
-- max: last_time
SELECT
    time,
    {labels},
    (hash(time) % 40)::UTINYINT AS part,
    ended,
    escalated,
    baseline_model,
    unpriced_attempts > 0 AS unpriced,
    saving IS NOT NULL AS known,
    saving IS NOT NULL AND ended = 'accepted' AND baseline_cost IS NOT NULL AND cheapest_cost IS NOT NULL
    AND predicted IS NOT NULL AND baseline_predicted IS NOT NULL AND cheapest_predicted IS NOT NULL AS mixable,
    time AS first_time,
    time AS last_time,
    1 AS n,
    cost,
    rejected_cost,
    saving,
    baseline_cost,
    cheapest_cost,
    predicted,
    (predicted IS NOT NULL)::INT AS predicted_n,
    baseline_predicted,
    (baseline_predicted IS NOT NULL)::INT AS baseline_predicted_n,
    cheapest_predicted,
    (coalesce(cost, 0) / 1e12) ** 2 AS squared_dollars,
    latency_ms,
    (latency_ms IS NOT NULL)::INT AS latency_n,
    latency_ms ** 2 AS squared_ms
FROM asked
