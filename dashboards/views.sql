-- What reports read. The period, the filter and whether to count comparison traffic are bound as variables;
-- {dimension} is an expression of `DIMENSIONS` in reports.py, or NULL; {where} what `--where` came to;
-- {outcomes} is a table, with the columns an older ledger lacks; `booked` are the attempts (`settled.sql`).
-- Times are in UTC.

-- The rows a report may see. `farthing demo` tags what it asks only to compare with.
CREATE TEMP VIEW seen AS
SELECT *
FROM booked
WHERE time >= getvariable('since')
  AND time < getvariable('until')
  AND (len(tags) = 0 OR getvariable('comparison')
       OR NOT coalesce(list_contains(tags, 'farthing-baseline'), false))
  AND ({where});

-- One row an attempt.
CREATE TEMP VIEW entries AS
SELECT *, {dimension} AS dimension
FROM seen;

-- What users, tests and judges told of answers afterwards; the last word of each source counts.
CREATE TEMP VIEW ratings AS
SELECT
    request_id,
    avg(CASE verdict WHEN 'pass' THEN 1.0 WHEN 'fail' THEN 0.0 ELSE score END) AS score
FROM (
    SELECT request_id, source, arg_max(verdict, time) AS verdict, arg_max(score, time) AS score
    FROM {outcomes}
    GROUP BY request_id, source
)
GROUP BY request_id;

-- One row a request, all its attempts taken together; `model` and `provider` are those tried last.
-- A request's last row says what it came to; only an older Farthing's rows are put together here, which takes time.
-- `saving` is what the strongest model alone would have cost for the same tokens, less all that was spent.
-- A request that failed saved nothing and cost what it cost; where a price is unknown, so is the saving.
CREATE TEMP VIEW requests AS
WITH together AS (
    SELECT
        request_id,
        time,
        model,
        provider,
        key,
        team,
        "user",
        tags,
        session,
        run,
        policy,
        kind,
        coalesce(endpoint, 'chat') AS endpoint,
        lane,
        arm,
        attempts,
        estimated_attempts,
        unpriced_attempts,
        ended,
        escalated,
        simulated,
        total_cost AS cost,
        total_bound AS cost_bound,
        rejected_cost,
        baseline_model,
        baseline_cost,
        cheapest_cost,
        predicted,
        baseline_predicted,
        cheapest_predicted,
        total_output_tokens AS output_tokens,
        total_ms AS latency_ms,
        answered_ms AS first_token_ms
    FROM seen
    WHERE final AND ended IS NOT NULL
    UNION ALL
    SELECT
        request_id,
        max(time) AS time,
        arg_max(model, attempt) AS model,
        arg_max(provider, attempt) AS provider,
        any_value(key) AS key,
        any_value(team) AS team,
        any_value("user") AS "user",
        any_value(tags) AS tags,
        any_value(session) AS session,
        any_value(run) AS run,
        any_value(policy) AS policy,
        any_value(kind) AS kind,
        coalesce(any_value(endpoint), 'chat') AS endpoint,
        any_value(lane) AS lane,
        any_value(arm) AS arm,
        count(*) AS attempts,
        count(*) FILTER (usage_grade = 'estimated') AS estimated_attempts,
        count(*) FILTER (cost IS NULL) AS unpriced_attempts,
        CASE
            WHEN bool_or(status = 'accepted' AND purpose = 'answer') THEN 'accepted'
            WHEN bool_or(status = 'cancelled' AND purpose = 'answer') THEN 'cancelled'
            WHEN bool_or(status = 'rejected' AND purpose = 'answer') THEN 'rejected'
            ELSE 'failed'
        END AS ended,
        coalesce(
            max(attempt) FILTER (purpose = 'answer')
            > min(attempt) FILTER (purpose = 'answer' AND status = 'rejected'),
            false
        ) AS escalated,
        bool_or(simulated) AS simulated,
        coalesce(sum(cost), 0) AS cost,
        coalesce(sum(coalesce(cost_bound, cost)), 0) AS cost_bound,
        coalesce(sum(cost) FILTER (status = 'rejected'), 0) AS rejected_cost,
        any_value(baseline_model) AS baseline_model,
        max(baseline_cost) AS baseline_cost,
        max(cheapest_cost) AS cheapest_cost,
        max(predicted) AS predicted,
        max(baseline_predicted) AS baseline_predicted,
        max(cheapest_predicted) AS cheapest_predicted,
        coalesce(sum(output_tokens) FILTER (purpose = 'answer'), 0) AS output_tokens,
        max(epoch_us(time) + 1000 * duration_ms) / 1000 - min(epoch_us(time)) / 1000 AS latency_ms,
        min(epoch_us(time) + 1000 * first_token_ms)
            FILTER (purpose = 'answer' AND status = 'accepted') / 1000
        - min(epoch_us(time)) / 1000 AS first_token_ms
    FROM seen
    WHERE attempts IS NULL AND purpose <> 'audit'
    GROUP BY request_id
)
SELECT
    *,
    CASE
        -- The strongest model is that of chats: with the rest nothing is compared.
        WHEN unpriced_attempts > 0 OR endpoint <> 'chat' THEN NULL
        WHEN ended = 'failed' THEN -cost
        WHEN baseline_cost IS NULL AND output_tokens = 0 THEN -cost
        ELSE baseline_cost - cost
    END AS saving,
    {dimension} AS dimension
FROM together;

-- What a request cost and saved, audits too: they were paid for because of it, and saved nothing.
-- `part` deals requests evenly into 40 parts: leaving out one after another tells how far a result may be off
-- by chance (the grouped jackknife), in one pass however many rows there are.
CREATE TEMP VIEW costs AS
SELECT
    1 AS request, dimension, hash(time) % 40 AS part, cost, rejected_cost, saving,
    CASE WHEN saving IS NOT NULL THEN cost END AS known_cost,
    CASE WHEN saving IS NOT NULL THEN coalesce(baseline_cost, 0) END AS strongest,
    -- Only what all three are known of may be compared with a mix.
    CASE WHEN mixable THEN cost END AS mixable_cost,
    CASE WHEN mixable THEN baseline_cost END AS mix_strongest,
    CASE WHEN mixable THEN cheapest_cost END AS mix_cheapest,
    CASE WHEN mixable THEN predicted END AS own_chance,
    CASE WHEN mixable THEN baseline_predicted END AS strongest_chance,
    CASE WHEN mixable THEN cheapest_predicted END AS cheapest_chance
FROM (
    SELECT
        *,
        saving IS NOT NULL AND ended = 'accepted' AND baseline_cost IS NOT NULL AND cheapest_cost IS NOT NULL
        AND predicted IS NOT NULL AND baseline_predicted IS NOT NULL AND cheapest_predicted IS NOT NULL AS mixable
    FROM requests
)
UNION ALL
SELECT
    0, dimension, hash(time) % 40, coalesce(cost, 0), 0, -cost, cost, 0, cost, 0, 0, 0, 0, 0
FROM entries
WHERE purpose = 'audit';

-- What drawing between the cheapest and the strongest model would have cost for the same predicted quality.
CREATE TEMP MACRO mix_cost(cheapest, strongest, own_chance, cheapest_chance, strongest_chance) AS
    cheapest + (strongest - cheapest) * greatest(
        0, least(1, (own_chance - cheapest_chance) / nullif(greatest(0, strongest_chance - cheapest_chance), 0))
    );

-- Half of an interval that holds the truth 95 times in 100, of a result that was had once without each part.
CREATE TEMP MACRO half_width(without_each) AS
    CASE WHEN count(without_each) > 1 THEN 2.02 * sqrt((count(without_each) - 1) * var_pop(without_each)) END;

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
