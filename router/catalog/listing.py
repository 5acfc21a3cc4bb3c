"""A model as `GET /v1/models` shows it.

The keys are OpenAI's (id, object, created, owned_by) and those OpenRouter added, which many clients read;
what is ours stands under `farthing`.
What is unknown is left out or `null`, never zero: a model without `pricing` is unpriced, not free.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from router.catalog.money import usd_text
from router.types import Capability, Endpoint, Model, Prices

_MODALITIES: Mapping[Capability, str] = {
    Capability.VISION: "image",
    Capability.AUDIO: "audio",
    Capability.FILES: "file",
}
_PARAMETERS: Mapping[Capability, tuple[str, ...]] = {
    Capability.TOOLS: ("tools", "tool_choice"),
    Capability.JSON_OBJECT: ("response_format",),
    Capability.JSON_SCHEMA: ("response_format", "structured_outputs"),
    Capability.LOGPROBS: ("logprobs", "top_logprobs"),
}
VECTORS = frozenset({Endpoint.EMBEDDINGS})
_ALWAYS = ("max_tokens", "temperature", "top_p", "stop")


def listing(model: Model, *, created: int = 0) -> dict[str, Any]:
    """Return the entry of one model.

    `created` is in seconds since 1970, as OpenAI's clients want one.
    Prices are US dollars per token, as exact decimal text without an exponent.
    """
    entry: dict[str, Any] = {
        "id": model.name,
        "object": "model",
        "created": created,
        "owned_by": model.provider or model.upstream,
        "name": model.name,
        "context_length": model.context_window,
        "architecture": {
            "input_modalities": ["text", *_those(_MODALITIES, model)],
            "output_modalities": ["embeddings"] if model.serves == VECTORS else ["text"],
        },
        "top_provider": {
            "context_length": model.context_window,
            "max_completion_tokens": model.max_output,
        },
        "supported_parameters": _parameters(model),
        "farthing": {
            "upstream": model.upstream,
            "upstream_name": model.upstream_name,
            "provider": model.provider,
            "family": model.family,
            "params_b": model.params_b,
            "active_params_b": model.active_params_b,
            "open_weight": model.open_weight,
            "price_source": model.prices.source if model.prices else None,
            "simulated": model.simulated,
            "serves": [endpoint for endpoint in Endpoint if model.does(endpoint)],
        },
    }
    if model.prices is not None:
        entry["pricing"] = _pricing(model.prices)
    return entry


def chooser(name: str, serves: Sequence[Endpoint] | None = None) -> dict[str, Any]:
    """Return the entry of a name by which a model is chosen; `serves` is what may be asked of it."""
    entry: dict[str, Any] = {"id": name, "object": "model", "created": 0, "owned_by": "farthing"}
    return entry if serves is None else {**entry, "farthing": {"serves": list(serves)}}


def _those(words: Mapping[Capability, str], model: Model) -> list[str]:
    return [word for capability, word in words.items() if capability in model.capabilities]


def _parameters(model: Model) -> list[str]:
    added = (names for capability, names in _PARAMETERS.items() if capability in model.capabilities)
    return list(dict.fromkeys([*_ALWAYS, *(name for names in added for name in names)]))


def _pricing(prices: Prices) -> dict[str, str]:
    stated = {
        "prompt": prices.input,
        "completion": prices.output,
        "input_cache_read": prices.cached_input,
        "input_cache_write": prices.cache_write,
        "request": prices.request,
    }
    return {key: usd_text(price) for key, price in stated.items() if price is not None}
