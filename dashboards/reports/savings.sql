-- title: Savings
-- question: What would the strongest model alone, or a random mix, have cost, and what was spent instead?
-- by: day
-- A request counts under the model that was tried last, with the cost of all its attempts; audits under theirs.
-- The mix draws between the cheapest and the strongest model so that its predicted quality is the same.
SELECT
    dimension,
    requests,
    requests - known AS requests_without_known_saving,
    spend AS spend_picodollars,
    rejected AS spend_on_rejected_picodollars,
    saved.* EXCLUDE (dimension, requests, known, spend, rejected)
FROM saved
ORDER BY
    CASE WHEN getvariable('chronological') THEN dimension END,
    saving_picodollars DESC NULLS LAST,
    dimension;
