"""What a request will probably cost at a model, before anything is spent."""

from router.pricing import quote
from router.types import Features, Model, Picodollars, Request


def expected_output(request: Request, features: Features, model: Model) -> float:
    """Tokens the model will probably write, over all choices."""
    limits, each = request.limits, features.predictions[model.name].output_tokens
    if limits.output_tokens is not None and limits.output_tokens < each:
        each = limits.output_tokens
    if model.max_output is not None and model.max_output < each:
        each = model.max_output
    return each * limits.choices


def expected_cost(request: Request, features: Features, model: Model) -> Picodollars | None:
    """The price of the prompt and of the expected answer; `None` if the model is unpriced."""
    return quote(
        model,
        input_tokens=features.prompt_tokens,
        output_tokens=expected_output(request, features, model),
        at=features.at,
        images=features.images,
    )
