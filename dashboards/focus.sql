-- FOCUS 1.2, as the FinOps Foundation's FOCUS_Spec has it: a row for each day, key, model, provider and kind of token.
-- A request's cost is split over its tokens in proportion to what is billed: exactly, the last part takes the rest.
-- Times are UTC, amounts are decimals of US dollars. What has no price is no charge, and left out.
WITH days AS (
    SELECT
        date_trunc('day', time) AS day,
        coalesce(provider, upstream) AS provider,
        model,
        key,
        team,
        purpose,
        cost_grade,
        sum(cost)::HUGEINT AS cost,
        sum(baseline_cost)::HUGEINT AS baseline_cost,
        coalesce(sum(input_tokens), 0)::BIGINT AS input_tokens,
        coalesce(sum(output_tokens), 0)::BIGINT AS output_tokens,
        count(*) AS calls
    FROM entries
    WHERE cost IS NOT NULL
    GROUP BY ALL
),
lines AS (
    SELECT
        *,
        unnest(['Input Tokens', 'Output Tokens']) AS meter,
        CASE WHEN meter = 'Input Tokens' THEN input_tokens ELSE output_tokens END AS tokens,
        -- Output is dearer: four to one is the usual ratio, and only the sum of the two is a bill.
        (cost * input_tokens // greatest(1, input_tokens + 4 * output_tokens))::HUGEINT AS input_cost,
        CASE WHEN meter = 'Input Tokens' THEN input_cost ELSE cost - input_cost END AS amount
    FROM days
)
SELECT
    dollars(amount) AS "BilledCost",
    'farthing' AS "BillingAccountId",
    NULL::VARCHAR AS "BillingAccountName",
    'Usage Account' AS "BillingAccountType",
    'USD' AS "BillingCurrency",
    stamp(date_trunc('month', day) + INTERVAL 1 MONTH) AS "BillingPeriodEnd",
    stamp(date_trunc('month', day)) AS "BillingPeriodStart",
    NULL::VARCHAR AS "CapacityReservationId",
    NULL::VARCHAR AS "CapacityReservationStatus",
    'Usage' AS "ChargeCategory",
    NULL::VARCHAR AS "ChargeClass",
    meter || ' of ' || model AS "ChargeDescription",
    'Usage-Based' AS "ChargeFrequency",
    stamp(day + INTERVAL 1 DAY) AS "ChargePeriodEnd",
    stamp(day) AS "ChargePeriodStart",
    NULL::VARCHAR AS "CommitmentDiscountId",
    NULL::VARCHAR AS "CommitmentDiscountStatus",
    tokens::DECIMAL(38, 0) AS "ConsumedQuantity",
    'Tokens' AS "ConsumedUnit",
    dollars(amount) AS "ContractedCost",
    NULL::DECIMAL(38, 18) AS "ContractedUnitPrice",
    dollars(amount) AS "EffectiveCost",
    NULL::VARCHAR AS "InvoiceId",
    provider AS "InvoiceIssuerName",
    dollars(amount) AS "ListCost",
    NULL::DECIMAL(38, 18) AS "ListUnitPrice",
    'Standard' AS "PricingCategory",
    'USD' AS "PricingCurrency",
    tokens::DECIMAL(38, 0) AS "PricingQuantity",
    'Tokens' AS "PricingUnit",
    provider AS "ProviderName",
    provider AS "PublisherName",
    NULL::VARCHAR AS "RegionId",
    NULL::VARCHAR AS "RegionName",
    model AS "ResourceId",
    model AS "ResourceName",
    'Model' AS "ResourceType",
    'AI and Machine Learning' AS "ServiceCategory",
    'Model inference' AS "ServiceName",
    'Generative AI' AS "ServiceSubcategory",
    provider || '/' || model || '/' || meter AS "SkuId",
    meter AS "SkuMeter",
    provider || '/' || model || '/' || meter AS "SkuPriceId",
    coalesce(key, 'none') AS "SubAccountId",
    coalesce(key, 'none') AS "SubAccountName",
    'Key' AS "SubAccountType",
    json_object('team', coalesce(team, ''), 'purpose', purpose)::VARCHAR AS "Tags",
    cost_grade AS "x_CostGrade",
    calls AS "x_Calls",
    CASE WHEN meter = 'Output Tokens' THEN dollars(baseline_cost) END AS "x_BaselineCost"
FROM lines
ORDER BY "ChargePeriodStart", "ProviderName", "ResourceId", "SubAccountId", team, purpose, "x_CostGrade", "SkuMeter";
