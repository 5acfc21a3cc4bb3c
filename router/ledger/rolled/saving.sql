-- What the strongest model alone would have cost for the same tokens, less all that was spent.
-- A request that failed saved nothing and cost what it cost; where a price is unknown, so is the saving.
CASE
    -- The strongest model is that of chats: with the rest nothing is compared.
    WHEN unpriced_attempts > 0 OR endpoint <> 'chat' THEN NULL
    WHEN ended = 'failed' THEN -cost
    WHEN baseline_cost IS NULL AND output_tokens = 0 THEN -cost
    ELSE baseline_cost - cost
END
