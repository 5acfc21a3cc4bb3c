-- title: Batches
-- question: What did each model do in each batch, and what would the strongest model alone have cost?
-- A line counts as answered by the model whose answer was kept; what is spent on others' answers is theirs.
SELECT
    batch,
    model,
    count(*) FILTER (purpose = 'answer' AND status = 'accepted') AS answered,
    count(*) FILTER (purpose = 'answer' AND status = 'rejected') AS rejected,
    count(*) FILTER (status IN ('failed', 'cancelled')) AS failed,
    count(*) FILTER (status = 'lost') AS lost,
    count(*) FILTER (purpose = 'check') AS asked_by_checks,
    count(*) FILTER (purpose = 'answer' AND status = 'accepted' AND reason LIKE 'spilled%') AS spilled,
    coalesce(sum(input_tokens), 0)::BIGINT AS input_tokens,
    coalesce(sum(output_tokens), 0)::BIGINT AS output_tokens,
    coalesce(sum(cost), 0)::HUGEINT AS spend_picodollars,
    coalesce(sum(cost) FILTER (purpose = 'check'), 0)::HUGEINT AS spend_on_checks_picodollars,
    coalesce(sum(baseline_cost), 0)::HUGEINT AS strongest_alone_picodollars
FROM entries
WHERE batch IS NOT NULL
GROUP BY batch, model
ORDER BY max(max(time)) OVER (PARTITION BY batch) DESC, batch, answered DESC, model;
