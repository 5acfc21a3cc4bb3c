"""What a request will probably cost at a model, before anything is spent."""

from router.pricing import quote
from router.types import Features, Model, Picodollars, Request


def expected_output(request: Request, features: Features, model: Model) -> float:
    """Tokens the model will probably write, over all choices."""
    each = features.predictions[model.name].output_tokens
    for limit in (request.limits.output_tokens, model.max_output):
        if limit is not None:
            each = min(each, limit)
    return each * request.limits.choices


def expected_cost(request: Request, features: Features, model: Model) -> Picodollars | None:
    """The price of the prompt and of the expected answer; `None` if the model is unpriced."""
    return quote(
        model,
        input_tokens=features.prompt_tokens,
        output_tokens=expected_output(request, features, model),
        at=features.at,
        images=features.images,
    )
