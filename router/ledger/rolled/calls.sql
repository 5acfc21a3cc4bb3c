-- Attempts: what was spent, on what, and how it is known.
-- sum: n, priced, reported, cost, at_most, reported_above, input_tokens, output_tokens
-- min: first_time
-- max: last_time
SELECT
    time,
    {labels},
    -- Savings count audits, part by part.
    CASE WHEN purpose = 'audit' THEN hash(time) % 40 END::UTINYINT AS part,
    purpose,
    status,
    error,
    final,
    handed_to,
    usage_grade,
    cost_grade,
    simulated,
    verdicts,
    time AS first_time,
    time AS last_time,
    1 AS n,
    (cost IS NOT NULL)::INT AS priced,
    (cost_reported IS NOT NULL)::INT AS reported,
    cost,
    coalesce(cost_bound, cost) AS at_most,
    cost_reported - cost AS reported_above,
    input_tokens,
    output_tokens
FROM calls
