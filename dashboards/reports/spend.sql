-- title: Spend
-- question: What did it cost, and for what?
-- by: model
-- A request counts under the model that was tried last.
-- A row with several tags counts under each of them, and once in the total that shares refer to.
SELECT
    dimension,
    coalesce(sum(n) FILTER (final), 0)::BIGINT AS requests,
    sum(n)::BIGINT AS attempts,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(cost) AS spend_picodollars,
    sum(cost) / (SELECT sum(cost) FROM seen) AS spend_share,
    coalesce(sum(cost) FILTER (status = 'rejected'), 0) AS spend_on_rejected_picodollars,
    coalesce(sum(n) FILTER (usage_grade = 'estimated'), 0) / sum(n) AS estimated_share,
    sum(n - priced)::BIGINT AS unpriced_attempts
FROM call_sums
GROUP BY dimension
ORDER BY
    CASE WHEN getvariable('chronological') THEN dimension END,
    spend_picodollars DESC NULLS LAST,
    dimension;
