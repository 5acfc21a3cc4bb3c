-- title: Spend
-- question: What did it cost, and for what?
-- by: model
-- A request counts under the model that was tried last.
-- A row with several tags counts under each of them, and once in the total that shares refer to.
SELECT
    dimension,
    count(*) FILTER (final) AS requests,
    count(*) AS attempts,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(cost) AS spend_picodollars,
    sum(cost) / (SELECT sum(cost) FROM seen) AS spend_share,
    coalesce(sum(cost) FILTER (status = 'rejected'), 0) AS spend_on_rejected_picodollars,
    count(*) FILTER (usage_grade = 'estimated') / count(*) AS estimated_share,
    count(*) FILTER (cost IS NULL) AS unpriced_attempts
FROM entries
GROUP BY dimension
ORDER BY
    CASE WHEN getvariable('chronological') THEN dimension END,
    spend_picodollars DESC NULLS LAST,
    dimension;
