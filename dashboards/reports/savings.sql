-- title: Savings
-- question: What would the strongest model alone have cost, and what was spent instead?
-- by: day
-- A request counts under the model that was tried last, with the cost of all its attempts.
SELECT
    dimension,
    count(*) AS requests,
    count(*) - count(saving) AS requests_without_known_saving,
    sum(cost) AS spend_picodollars,
    sum(rejected_cost) AS spend_on_rejected_picodollars,
    sum(baseline_cost) FILTER (saving IS NOT NULL) AS strongest_alone_picodollars,
    sum(saving) AS saving_picodollars,
    sum(saving) / sum(baseline_cost) FILTER (saving IS NOT NULL) AS saving_share
FROM requests
GROUP BY dimension
ORDER BY
    CASE WHEN getvariable('chronological') THEN dimension END,
    saving_picodollars DESC NULLS LAST,
    dimension;
