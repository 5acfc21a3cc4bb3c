-- title: Measured against the control arm
-- question: What does routing change in cost and quality, measured and not computed, and how sure is that?
-- Needs a policy with `control: {share: 0.01}`. Only requests that were drawn, or could have been, are compared.
-- Intervals hold the truth 95 times in 100 (Welch). An interval that holds 0 proves nothing yet:
-- `days_until_it_can_tell` is how long, at this pace, until a difference as large as this one would stand out.
WITH drawn AS (
    SELECT
        policy,
        arm,
        coalesce(requests.cost, 0) / 1e12 AS cost,
        (ended = 'accepted')::INT AS accepted,
        score,
        latency_ms,
        time
    FROM requests LEFT JOIN ratings USING (request_id)
    WHERE arm IS NOT NULL AND unpriced_attempts = 0
),
measured AS (
    SELECT
        policy,
        arm,
        min(time) AS began,
        max(time) AS ended,
        [
            {'what': 'dollars a request', 'n': count(cost), 'mean': avg(cost), 'var': var_samp(cost)},
            {
                'what': 'answers that passed their checks',
                'n': count(accepted), 'mean': avg(accepted), 'var': var_samp(accepted)
            },
            {'what': 'answers rated good', 'n': count(score), 'mean': avg(score), 'var': var_samp(score)},
            {
                'what': 'milliseconds of waiting',
                'n': count(latency_ms), 'mean': avg(latency_ms), 'var': var_samp(latency_ms)
            }
        ] AS figures
    FROM drawn
    GROUP BY policy, arm
),
figures AS (
    SELECT policy, arm, began, ended, unnest(figures, recursive := true)
    FROM measured
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
