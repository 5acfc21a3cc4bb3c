"""What becomes of a policy's words where they are not for a chat that it may choose a model for."""

from collections.abc import Mapping, Sequence
from typing import Any

from policies.language import PolicySpec
from router.errors import Refusal
from router.types import Endpoint, Model, Release, Request

SOLE = frozenset({Endpoint.EMBEDDINGS})
"""What a policy may be asked for only if it has one model for it."""


def pinned(base: PolicySpec, model: str) -> PolicySpec:
    """Give the terms of a request that names its model: relayed and unchecked, else `base`'s."""
    return _with(
        base,
        strategy="pinned",
        checks=(),
        control=None,
        stream_release=Release.RELAYED,
        models=(model,),
        prefer=None,
        max_first_token_ms=None,
        deadline_ms=None,
    )


def beside_chat(spec: PolicySpec) -> PolicySpec:
    """Give the terms of what is no chat: checks know what an answer is, and nothing of text or vectors.

    Without checks no promise about answers can be kept, so the most able model is asked.
    """
    quality = {"quality": 1.0} if spec.promise is not None else {}
    return _with(spec, checks=(), control=None, stream_release=Release.RELAYED, **quality)


def not_serving(models: Sequence[Model], endpoint: Endpoint) -> dict[str, Refusal]:
    """Say of the models that may not be asked for this what they may be asked for."""
    return {
        model.name: Refusal(rule="serves", reason=f"serves {_served(model)}, not {endpoint}")
        for model in models
        if not model.does(endpoint)
    }


def not_one(request: Request, models: Sequence[Model]) -> dict[str, Refusal]:
    """Say why none of several models is chosen, where another's answer could not stand for it."""
    reason = f"{request.incomparable}, and the policy has {len(models)} models for it: name one"
    return {model.name: Refusal(rule="one_model", reason=reason) for model in models}


def serving(models: Mapping[Endpoint, Sequence[Model]]) -> list[Endpoint]:
    """Say what a policy may be asked for, given its models for each endpoint."""
    return [each for each, found in models.items() if len(found) == 1 or (found and each not in SOLE)]


def _served(model: Model) -> str:
    return " and ".join(endpoint for endpoint in Endpoint if model.does(endpoint)) or "nothing"


def _with(spec: PolicySpec, **changes: Any) -> PolicySpec:
    return spec.model_copy(update=changes)
