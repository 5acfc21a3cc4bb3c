-- title: Escalations
-- question: From which model to which were requests handed on, and why?
-- An escalation follows an answer that a check rejected, a failover an upstream that failed.
-- Only an older Farthing's rows do not name who was asked next, and are put together here.
WITH steps AS (
    SELECT model, handed_to, status, error, verdicts, cost, n
    FROM call_sums
    WHERE handed_to IS NOT NULL
    UNION ALL
    SELECT
        model, lead(model) OVER (PARTITION BY request_id ORDER BY attempt), status, error, verdicts, cost,
        1
    FROM entries
    WHERE attempts IS NULL AND purpose = 'answer' AND NOT (attempt = 1 AND final)
)
SELECT
    CASE status WHEN 'rejected' THEN 'escalation' ELSE 'failover' END AS kind,
    model AS from_model,
    handed_to AS to_model,
    CASE status
        WHEN 'rejected' THEN array_to_string([v.key FOR v IN map_entries(verdicts) IF v.value <> 'pass'], ', ')
        ELSE coalesce(error, status)
    END AS reason,
    sum(n)::BIGINT AS count,
    coalesce(sum(cost), 0) AS spend_on_given_up_picodollars
FROM steps
WHERE handed_to IS NOT NULL
GROUP BY ALL
ORDER BY count DESC, from_model, to_model, reason;
