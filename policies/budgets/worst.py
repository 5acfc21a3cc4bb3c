"""What a call can cost at most, before it is made."""

from router.types import Features, Model, Picodollars, Request


def most(
    request: Request, features: Features, model: Model, *, output_tokens: int
) -> tuple[Picodollars | None, int]:
    """The most a call can cost (`None`: unpriced) and the most tokens it can take.

    Another model's tokeniser may cut finer than ours: the prompt is taken for half as long again.
    `output_tokens` bounds an answer that neither the request nor the model does.
    """
    prompt = features.prompt_tokens * 3 // 2 + 64
    allowed = [limit for limit in (request.limits.output_tokens, model.max_output) if limit is not None]
    each = min(allowed) if allowed else output_tokens
    output = each * request.limits.choices
    prices = model.prices
    if prices is None:
        return None, prompt + output
    dearest = max(prices.input, prices.cached_input or 0, prices.cache_write or 0)
    return prices.request + prompt * dearest + output * prices.output, prompt + output
