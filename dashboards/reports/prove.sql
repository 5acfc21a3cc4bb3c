-- title: Measured against the control arm
-- question: What does routing change in cost and quality, measured and not computed, and how sure is that?
-- Needs a policy with `control: {share: 0.01}`. Only requests that were drawn, or could have been, are compared.
-- Intervals hold the truth 95 times in 100 (Welch). An interval that holds 0 proves nothing yet:
-- `days_until_it_can_tell` is how long, at this pace, until a difference as large as this one would stand out.
WITH measured AS (
    SELECT
        policy,
        arm,
        min(first_time) AS began,
        max(last_time) AS ended,
        sum(n)::DOUBLE AS n,
        sum(cost) / 1e12 AS dollars,
        sum(squared_dollars) AS squared_dollars,
        coalesce(sum(n) FILTER (ended = 'accepted'), 0)::DOUBLE AS accepted,
        sum(latency_n)::DOUBLE AS waited,
        sum(latency_ms) AS ms,
        sum(squared_ms) AS squared_ms
    FROM request_sums
    WHERE arm IS NOT NULL AND NOT unpriced
    GROUP BY policy, arm
),
rated AS (
    SELECT policy, arm, count(score) AS n, avg(score) AS mean, var_samp(score) AS var
    FROM requests JOIN ratings USING (request_id)
    WHERE arm IS NOT NULL AND unpriced_attempts = 0
    GROUP BY policy, arm
),
apart AS (
    SELECT
        policy,
        arm,
        began,
        ended,
        unnest([
            {'what': 'dollars a request', 'n': n, 'total': dollars, 'squares': squared_dollars},
            {'what': 'answers that passed their checks', 'n': n, 'total': accepted, 'squares': accepted},
            {'what': 'milliseconds of waiting', 'n': waited, 'total': ms, 'squares': squared_ms}
        ], recursive := true)
    FROM measured
),
figures AS (
    SELECT
        policy, arm, began, ended, what, n::BIGINT AS n,
        total / nullif(n, 0) AS mean,
        greatest(0, squares - total * total / nullif(n, 0)) / nullif(n - 1, 0) AS var
    FROM apart
    UNION ALL
    SELECT policy, arm, began, ended, 'answers rated good', rated.n, mean, var
    FROM measured JOIN rated USING (policy, arm)
),
sides AS (
    SELECT
        policy,
        what,
        coalesce(sum(n) FILTER (arm = 'routed'), 0)::BIGINT AS routed,
        coalesce(sum(n) FILTER (arm = 'control'), 0)::BIGINT AS control,
        max(mean) FILTER (arm = 'routed') AS mean_routed,
        max(mean) FILTER (arm = 'control') AS mean_control,
        max(var) FILTER (arm = 'routed') AS var_routed,
        max(var) FILTER (arm = 'control') AS var_control,
        epoch(max(ended) - min(began)) / 86400 AS days
    FROM figures
    GROUP BY policy, what
),
told AS (
    SELECT
        *,
        mean_routed - mean_control AS difference,
        1.96 * sqrt(var_routed / routed + var_control / control) AS half
    FROM sides
    WHERE routed > 1 AND control > 1
)
SELECT
    policy,
    what,
    routed AS requests_routed,
    control AS requests_control,
    mean_routed,
    mean_control,
    difference,
    difference - half AS difference_low,
    difference + half AS difference_high,
    difference / nullif(mean_control, 0) AS change_share,
    CASE
        WHEN control < 30 THEN 'too few controls'
        WHEN difference - half > 0 OR difference + half < 0 THEN 'differs'
        ELSE 'cannot be told yet'
    END AS verdict,
    CASE
        WHEN difference = 0 THEN NULL
        -- The half-width shrinks with the root of the number: to a difference's own size, with eight chances in ten.
        ELSE ceil(greatest(0, days * ((half * (1.96 + 0.84) / 1.96 / abs(difference)) ** 2 - 1)))
    END AS days_until_it_can_tell
FROM told
ORDER BY policy, what;
