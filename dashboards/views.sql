-- What reports read. The period and whether to count comparison traffic are bound as variables;
-- {dimension} is an expression of `DIMENSIONS` in reports.py, or NULL. Times are in UTC.

-- What providers' own records say a call cost, by the latest word on each record (`farthing reconcile`).
CREATE TEMP VIEW settled AS
SELECT request_id, attempt, CAST(sum(amount) AS BIGINT) AS settled_cost
FROM (
    FROM settlements
    WHERE request_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY provider, record_id ORDER BY time DESC) = 1
)
GROUP BY request_id, attempt;

-- The rows a report may see. `farthing demo` tags what it asks only to compare with.
-- Where there is a settled amount it counts, and not what was booked: its grade is then 'settled'.
CREATE TEMP VIEW seen AS
SELECT * EXCLUDE settled_cost REPLACE (
    coalesce(settled_cost, cost) AS cost,
    coalesce(settled_cost, cost_bound) AS cost_bound,
    CASE WHEN settled_cost IS NULL THEN cost_grade ELSE 'settled' END AS cost_grade
)
FROM ledger
LEFT JOIN settled USING (request_id, attempt)
WHERE time >= getvariable('since')
  AND time < getvariable('until')
  AND (getvariable('comparison') OR NOT coalesce(list_contains(tags, 'farthing-baseline'), false));

-- One row an attempt.
CREATE TEMP VIEW entries AS
SELECT *, {dimension} AS dimension
FROM seen;

-- One row a request, all its attempts taken together; `model` and `provider` are those tried last.
-- `saving` is what the strongest model alone would have cost for the same tokens, less all that was spent.
-- A request that failed saved nothing and cost what it cost; where a price is unknown, so is the saving.
CREATE TEMP VIEW requests AS
SELECT
    *,
    CASE
        WHEN unpriced_rows > 0 THEN NULL
        WHEN failed THEN -cost
        WHEN baseline_cost IS NULL AND output_tokens = 0 THEN -cost
        ELSE baseline_cost - cost
    END AS saving,
    {dimension} AS dimension
FROM (
    SELECT
        *,
        NOT accepted AND NOT rejected AND NOT cancelled AS failed
    FROM (
        SELECT
            request_id,
            min(time) AS time,
            arg_max(model, attempt) AS model,
            arg_max(provider, attempt) AS provider,
            any_value(key) AS key,
            any_value(team) AS team,
            any_value("user") AS "user",
            any_value(tags) AS tags,
            any_value(session) AS session,
            any_value(run) AS run,
            any_value(policy) AS policy,
            count(*) AS attempts,
            count(*) FILTER (usage_grade = 'estimated') AS estimated_rows,
            count(*) FILTER (cost IS NULL) AS unpriced_rows,
            count(*) FILTER (simulated) AS simulated_rows,
            coalesce(bool_or(status = 'accepted') FILTER (purpose = 'answer'), false) AS accepted,
            coalesce(bool_or(status = 'rejected') FILTER (purpose = 'answer'), false) AS rejected,
            coalesce(bool_or(status = 'cancelled'), false) AS cancelled,
            coalesce(
                max(attempt) FILTER (purpose = 'answer')
                > min(attempt) FILTER (purpose = 'answer' AND status = 'rejected'),
                false
            ) AS escalated,
            coalesce(sum(cost), 0) AS cost,
            coalesce(sum(cost) FILTER (status = 'rejected'), 0) AS rejected_cost,
            max(baseline_cost) AS baseline_cost,
            any_value(baseline_model) AS baseline_model,
            coalesce(sum(output_tokens) FILTER (purpose = 'answer'), 0) AS output_tokens,
            max(epoch_us(time) + 1000 * duration_ms) / 1000 - min(epoch_us(time)) / 1000 AS latency_ms,
            min(epoch_us(time) + 1000 * first_token_ms)
                FILTER (purpose = 'answer' AND status = 'accepted') / 1000
            - min(epoch_us(time)) / 1000 AS first_token_ms
        FROM seen
        GROUP BY request_id
    )
);

-- Sums that carry their bound: what is booked, the most it can have been, and how much of it is known how.
-- NULL as the bound of a sum: some amount in it has none. `FROM money(entries)` or any view with these columns.
CREATE TEMP MACRO money(source) AS TABLE
SELECT
    coalesce(sum(cost), 0) AS cost_picodollars,
    CASE WHEN count(*) FILTER (cost IS NOT NULL AND cost_bound IS NULL) = 0
        THEN coalesce(sum(cost_bound), 0) END AS bound_picodollars,
    coalesce(sum(cost) FILTER (cost_grade IN ('reported', 'settled')), 0) AS reported_picodollars,
    coalesce(sum(cost) FILTER (cost_grade = 'computed'), 0) AS computed_picodollars,
    coalesce(sum(cost) FILTER (cost_grade = 'estimated'), 0) AS estimated_picodollars,
    count(*) FILTER (cost IS NULL) AS unpriced_rows
FROM query_table(source);

-- Calls to own machines, in the three views of their cost (`router/catalog/machines.py`). `loaded_cost` shares the
-- whole hour out to the calls that began in it: its sum over an hour is the hour's price and the power drawn.
CREATE TEMP VIEW own_costs AS
SELECT
    *,
    CAST(coalesce(cost, 0) AS DOUBLE) AS marginal_cost,
    machine_ms / 3600000 * (machine_hour + machine_energy) AS busy_cost,
    machine_ms / 3600000 * machine_energy
    + machine_hour * machine_ms / sum(machine_ms) OVER (PARTITION BY upstream, date_trunc('hour', time))
        AS loaded_cost
FROM seen
WHERE machine_ms IS NOT NULL;
