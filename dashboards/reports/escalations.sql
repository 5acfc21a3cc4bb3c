-- title: Escalations
-- question: From which model to which were requests handed on, and why?
-- An escalation follows an answer that a check rejected, a failover an upstream that failed.
WITH steps AS (
    SELECT
        model AS from_model,
        lead(model) OVER (PARTITION BY request_id ORDER BY attempt) AS to_model,
        CASE status WHEN 'rejected' THEN 'escalation' ELSE 'failover' END AS kind,
        CASE status
            WHEN 'rejected'
                THEN array_to_string([v.key FOR v IN map_entries(verdicts) IF v.value <> 'pass'], ', ')
            ELSE coalesce(error, status)
        END AS reason,
        cost
    FROM entries
    -- A first attempt that is the last has nobody to hand on to; most are, so leaving them out is quicker.
    WHERE purpose = 'answer' AND NOT (attempt = 1 AND final)
)
SELECT
    kind,
    from_model,
    to_model,
    reason,
    count(*) AS count,
    coalesce(sum(cost), 0) AS spend_on_given_up_picodollars
FROM steps
WHERE to_model IS NOT NULL
GROUP BY kind, from_model, to_model, reason
ORDER BY count DESC, from_model, to_model, reason;
