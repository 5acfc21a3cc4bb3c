-- title: Batches
-- question: What did each model do in each batch, and what would the strongest model alone have cost?
-- A line counts as answered by the model whose answer was kept; what is spent on others' answers is theirs.
SELECT
    batch,
    model,
    count(*) FILTER (purpose = 'answer' AND status = 'accepted') AS answered,
    count(*) FILTER (purpose = 'answer' AND status = 'rejected') AS rejected,
    count(*) FILTER (status IN ('failed', 'lost', 'cancelled')) AS failed,
    coalesce(sum(cost), 0)::HUGEINT AS spend_picodollars,
    coalesce(sum(baseline_cost), 0)::HUGEINT AS strongest_alone_picodollars
FROM entries
WHERE batch IS NOT NULL
GROUP BY batch, model
ORDER BY max(max(time)) OVER (PARTITION BY batch) DESC, batch, answered DESC, model;
