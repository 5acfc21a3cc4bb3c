-- title: Failures
-- question: Which calls failed or were lost, at which model, and what can they have cost?
-- A lost call is one whose process died: what it cost is not known, but what it can have cost is.
SELECT
    status,
    model,
    coalesce(error, status) AS error,
    purpose,
    sum(n)::BIGINT AS calls,
    coalesce(sum(n) FILTER (final), 0)::BIGINT AS requests_that_ended_so,
    coalesce(sum(cost), 0)::HUGEINT AS spend_picodollars,
    coalesce(sum(at_most), 0)::HUGEINT AS spend_at_most_picodollars
FROM call_sums
WHERE status IN ('failed', 'lost', 'cancelled')
GROUP BY ALL
ORDER BY calls DESC, model, status, error, purpose;
