-- The attempts, where providers' own records said what some cost (`farthing reconcile`): that counts then, and not
-- what was booked, and the grade is 'settled'. What a request came to is set right on its last row.
CREATE TEMP VIEW settled AS
SELECT request_id, attempt, CAST(sum(amount) AS BIGINT) AS settled_cost
FROM (
    FROM {settlements}
    WHERE request_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY provider, record_id ORDER BY time DESC) = 1
)
GROUP BY request_id, attempt;

CREATE TEMP VIEW booked AS
SELECT * EXCLUDE (settled_cost, more, more_at_most, more_rejected, priced) REPLACE (
    coalesce(settled_cost, cost) AS cost,
    coalesce(settled_cost, cost_bound) AS cost_bound,
    CASE WHEN settled_cost IS NULL THEN cost_grade ELSE 'settled' END AS cost_grade,
    total_cost + coalesce(more, 0) AS total_cost,
    total_bound + coalesce(more_at_most, 0) AS total_bound,
    rejected_cost + coalesce(more_rejected, 0) AS rejected_cost,
    unpriced_attempts - coalesce(priced, 0) AS unpriced_attempts
)
FROM {ledger} AS ledger
LEFT JOIN settled USING (request_id, attempt)
LEFT JOIN (
    SELECT
        request_id,
        sum(settled_cost - coalesce(cost, 0))::BIGINT AS more,
        sum(settled_cost - coalesce(cost_bound, cost, 0))::BIGINT AS more_at_most,
        sum(settled_cost - coalesce(cost, 0)) FILTER (status = 'rejected')::BIGINT AS more_rejected,
        count(*) FILTER (cost IS NULL) AS priced
    FROM settled JOIN {ledger} AS ledger USING (request_id, attempt)
    GROUP BY request_id
) AS changes USING (request_id);
