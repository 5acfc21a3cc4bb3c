-- title: Prompt cache
-- question: How much of the prompts was read from a cache, and how much was read again after a change of model?
-- Of a sample of sessions, a hundred thousand calls or so. What a session sent before and could have been cached is
-- taken for lost if the call before went to another model.
WITH calls AS (
    SELECT
        session,
        model,
        time,
        input_tokens,
        coalesce(cached_tokens, 0) AS cached
    FROM entries
    WHERE session IS NOT NULL AND purpose = 'answer' AND input_tokens IS NOT NULL
      AND hash(session) % getvariable('one_in') = 0
),
turns AS (
    SELECT
        *,
        lag(model) OVER w AS model_before,
        lag(input_tokens) OVER w AS tokens_before
    FROM calls
    WINDOW w AS (PARTITION BY session ORDER BY time)
)
SELECT
    model,
    count(*) AS calls_in_sessions,
    count(*) FILTER (model_before <> model) AS after_a_change_of_model,
    sum(input_tokens)::BIGINT AS input_tokens,
    sum(cached) / nullif(sum(input_tokens), 0) AS cached_share,
    coalesce(sum(greatest(0, least(tokens_before, input_tokens) - cached))
        FILTER (model_before <> model), 0)::BIGINT AS tokens_read_again,
    tokens_read_again / nullif(sum(input_tokens), 0) AS read_again_share
FROM turns
GROUP BY model
ORDER BY tokens_read_again DESC, model;
