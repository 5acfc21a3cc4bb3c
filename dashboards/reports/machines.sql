-- title: Own machines
-- question: What did own machines cost: what a call added, what it kept busy, and its share of the whole hour?
-- Marginal is what routing goes by; busy is the machine's hour and power for as long as it worked;
-- loaded shares out every hour in which it was asked at all, so its sum over an hour is that hour's price and power.
-- What idles between belongs to nobody: an hour without a call is in none of them.
SELECT
    upstream AS machine,
    model,
    count(*) AS calls,
    sum(input_tokens)::BIGINT AS input_tokens,
    sum(output_tokens)::BIGINT AS output_tokens,
    sum(machine_ms) AS worked_ms,
    sum(machine_ms) / (3600000 * count(DISTINCT date_trunc('hour', time))) AS of_its_hours_share,
    round(sum(marginal_cost))::HUGEINT AS marginal_picodollars,
    round(sum(busy_cost))::HUGEINT AS busy_picodollars,
    round(sum(loaded_cost))::HUGEINT AS loaded_picodollars
FROM own_costs
GROUP BY upstream, model
ORDER BY loaded_picodollars DESC, machine, model;
