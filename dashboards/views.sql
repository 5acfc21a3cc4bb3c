-- What reports read. The period, the filter and whether to count comparison traffic are bound as variables;
-- {dimension} is an expression of `DIMENSIONS` in scope.py, or NULL; {where} what `--where` came to;
-- {outcomes} is a table, with the columns an older ledger lacks; `booked` are the attempts (`settled.sql`).
-- Times are in UTC.

-- The rows a report may see. `farthing demo` tags what it asks only to compare with.
CREATE TEMP VIEW seen AS
SELECT *
FROM booked
WHERE time >= getvariable('since')
  AND time < getvariable('until')
  AND (getvariable('comparison') OR {counted})
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
CREATE TEMP VIEW requests AS
WITH calls AS NOT MATERIALIZED (FROM seen),
together AS (
    {asked}
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
    {saving} AS saving,
    {dimension} AS dimension
FROM together;

-- The same, those that are alike added up where there are rollups (`summed.py`, `router/ledger/rolled/`):
-- `n` is how many a row stands for, and `time` then their day.
{sums}

-- A quantile of times that stand for many (`ms`), of which there are `upto` so many and `total` in all:
-- what lies between two of them is between them in the same proportion.
CREATE TEMP MACRO quantile(ms, upto, total, share) AS
    min(ms) FILTER (upto > floor((total - 1) * share))
    + (max((total - 1) * share) % 1)
    * (min(ms) FILTER (upto > ceil((total - 1) * share)) - min(ms) FILTER (upto > floor((total - 1) * share)));

-- How long requests took, for each dimension.
CREATE TEMP VIEW waits AS
WITH counted AS (
    SELECT dimension, what, ms, sum(n) AS n
    FROM time_sums
    WHERE what IN ('latency', 'first token')
    GROUP BY ALL
),
ranked AS (
    SELECT
        *,
        sum(n) OVER (PARTITION BY dimension, what ORDER BY ms) AS upto,
        sum(n) OVER (PARTITION BY dimension, what) AS total
    FROM counted
)
SELECT
    dimension,
    any_value(p50) FILTER (what = 'first token') AS first_token_p50_ms,
    any_value(p95) FILTER (what = 'first token') AS first_token_p95_ms,
    any_value(p50) FILTER (what = 'latency') AS latency_p50_ms,
    any_value(p95) FILTER (what = 'latency') AS latency_p95_ms,
    any_value(total) FILTER (what = 'latency') AS requests
FROM (
    SELECT
        dimension, what, max(total) AS total,
        quantile(ms, upto, total, 0.5) AS p50, quantile(ms, upto, total, 0.95) AS p95
    FROM ranked
    GROUP BY dimension, what
)
GROUP BY dimension;

-- What drawing between the cheapest and the strongest model would have cost for the same predicted quality.
CREATE TEMP MACRO mix_cost(cheapest, strongest, own_chance, cheapest_chance, strongest_chance) AS
    cheapest + (strongest - cheapest) * greatest(
        0, least(1, (own_chance - cheapest_chance) / nullif(greatest(0, strongest_chance - cheapest_chance), 0))
    );

-- Half of an interval that holds the truth 95 times in 100, of a result that was had once without each part.
CREATE TEMP MACRO half_width(without_each) AS
    CASE WHEN count(without_each) > 1 THEN 2.02 * sqrt((count(without_each) - 1) * var_pop(without_each)) END;

-- What was spent and saved, a row for each dimension; audits too: they were paid for, and saved nothing.
-- Requests are dealt evenly into 40 parts: leaving out one after another tells how far a result may be off by chance
-- (the grouped jackknife), in one pass however many rows there are.
-- Only requests of which all is known are compared with a mix.
-- Sums come first and the cases after, among few rows: ten million are not looked at one by one.
CREATE TEMP VIEW saved AS
WITH alike AS (
    SELECT
        dimension,
        part,
        known,
        mixable,
        sum(n) AS requests,
        sum(cost) AS cost,
        sum(rejected_cost) AS rejected,
        sum(saving) AS saving,
        sum(baseline_cost) AS strongest,
        sum(cheapest_cost) AS cheapest,
        sum(predicted) AS own_chance,
        sum(baseline_predicted) AS strongest_chance,
        sum(cheapest_predicted) AS cheapest_chance
    FROM request_sums
    GROUP BY ALL
    UNION ALL
    SELECT dimension, part, true, true, 0, coalesce(sum(cost), 0), 0, -sum(cost), 0, 0, 0, 0, 0
    FROM call_sums
    WHERE purpose = 'audit'
    GROUP BY ALL
),
parts AS MATERIALIZED (
    SELECT
        dimension,
        part,
        sum(requests) AS requests,
        coalesce(sum(requests) FILTER (known), 0) AS known,
        sum(cost) AS spend,
        sum(rejected) AS rejected,
        sum(saving) AS saving,
        coalesce(sum(strongest) FILTER (known), 0) AS strongest,
        coalesce(sum(cost) FILTER (mixable), 0) AS cost,
        coalesce(sum(strongest) FILTER (mixable), 0) AS s,
        coalesce(sum(cheapest) FILTER (mixable), 0) AS w,
        coalesce(sum(own_chance) FILTER (mixable), 0) AS q,
        coalesce(sum(strongest_chance) FILTER (mixable), 0) AS qs,
        coalesce(sum(cheapest_chance) FILTER (mixable), 0) AS qw
    FROM alike
    GROUP BY dimension, part
),
whole AS (
    SELECT
        dimension, sum(requests)::BIGINT AS requests, sum(known)::BIGINT AS known, sum(spend) AS spend,
        sum(rejected) AS rejected, sum(saving) AS saving, sum(strongest) AS strongest, sum(cost) AS cost,
        sum(s) AS s, sum(w) AS w, sum(q) AS q, sum(qs) AS qs, sum(qw) AS qw,
        mix_cost(sum(w), sum(s), sum(q), sum(qw), sum(qs)) AS mix
    FROM parts
    GROUP BY dimension
),
chance AS (
    SELECT
        whole.dimension,
        half_width(
            (whole.saving - coalesce(parts.saving, 0)) / nullif(whole.strongest - parts.strongest, 0)
        ) AS saving_half,
        half_width(1 - (whole.cost - parts.cost) / nullif(mix_cost(
            whole.w - parts.w, whole.s - parts.s, whole.q - parts.q, whole.qw - parts.qw, whole.qs - parts.qs
        ), 0)) AS mix_half
    FROM whole JOIN parts ON parts.dimension IS NOT DISTINCT FROM whole.dimension
    GROUP BY whole.dimension
)
SELECT
    whole.dimension,
    requests,
    known,
    spend,
    rejected,
    CASE WHEN known > 0 THEN strongest END::HUGEINT AS strongest_alone_picodollars,
    saving::HUGEINT AS saving_picodollars,
    saving / nullif(strongest, 0) AS saving_share,
    saving_share - saving_half AS saving_low_share,
    saving_share + saving_half AS saving_high_share,
    1 - cost / nullif(mix, 0) AS saving_on_random_mix_share,
    saving_on_random_mix_share - mix_half AS saving_on_random_mix_low_share,
    saving_on_random_mix_share + mix_half AS saving_on_random_mix_high_share
FROM whole JOIN chance ON chance.dimension IS NOT DISTINCT FROM whole.dimension;

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
