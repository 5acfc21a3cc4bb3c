"""What a call can cost at most, before it is made."""

from router.pricing import ceiling
from router.types import Features, Model, Picodollars, Request

FRAME = 64
"""Tokens a chat template puts around a conversation, about."""

A_PICTURE = 2_000
"""Tokens a picture is taken for: the most that the usual resolutions come to."""


def most(
    request: Request, features: Features, model: Model, *, output_tokens: int
) -> tuple[Picodollars | None, int]:
    """The most a call can cost (`None`: unpriced) and the most tokens it can take.

    Another model's tokeniser may cut finer than ours: the prompt is taken for half as long again.
    `output_tokens` bounds an answer that neither the request nor the model does.
    """
    prompt = features.prompt_tokens * 3 // 2 + FRAME + features.images * A_PICTURE
    allowed = [limit for limit in (request.limits.output_tokens, model.max_output) if limit is not None]
    output = (min(allowed) if allowed else output_tokens) * request.limits.choices
    cost = ceiling(model, input_tokens=prompt, output_tokens=output, at=features.at, images=features.images)
    return cost, prompt + output
