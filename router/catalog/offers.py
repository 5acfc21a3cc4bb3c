"""Asks a provider what it serves, and at what price where it says so."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from router.catalog.asking import ask, chat_models, count, mapping, texts
from router.catalog.money import from_usd_per_token
from router.catalog.pricemap import Known
from router.catalog.providers import Provider
from router.types import Capability, Prices

_PARAMETERS: Mapping[str, Capability] = {
    "tools": Capability.TOOLS,
    "response_format": Capability.JSON_OBJECT,
    "structured_outputs": Capability.JSON_SCHEMA,
    "logprobs": Capability.LOGPROBS,
}
_KINDS = ("prompt", "completion", "input_cache_read", "input_cache_write", "request")
_MODALITIES: Mapping[str, Capability] = {
    "image": Capability.VISION,
    "audio": Capability.AUDIO,
    "file": Capability.FILES,
}


async def offers(
    session: aiohttp.ClientSession, provider: Provider, key: str, *, within: float = 5.0
) -> Mapping[str, Known] | None:
    """Return the models a provider serves to this key, by name; `None` if it gives no list in time.

    Prices are read where the provider is known to state them as OpenRouter does: text, in US dollars a token.
    Raises `RefusedError` if it does not take the key.
    """
    entries = chat_models(await ask(session, f"{provider.base_url}/models", within=within, key=key))
    return None if entries is None else {entry["id"]: _known(entry, provider) for entry in entries}


def _known(entry: Mapping[str, Any], provider: Provider) -> Known:
    source = f"{provider.name}'s own list"
    prices = _prices(mapping(entry.get("pricing")), source) if provider.lists_prices else None
    top, architecture = mapping(entry.get("top_provider")), mapping(entry.get("architecture"))
    parameters = texts(entry.get("supported_parameters"))
    modalities = texts(architecture.get("input_modalities")) or texts(entry.get("input_modalities"))
    capabilities = {_PARAMETERS[word] for word in parameters if word in _PARAMETERS}
    capabilities |= {_MODALITIES[word] for word in modalities if word in _MODALITIES}
    return Known(
        source=source,
        prices=prices,
        unpriced=None if prices else f"{source} states no price for it",
        context_window=count(top.get("context_length")) or count(entry.get("context_length")),
        max_output=count(top.get("max_completion_tokens")) or count(entry.get("max_output_length")),
        capabilities=frozenset(capabilities) if parameters else None,
    )


def _prices(stated: Mapping[str, Any], source: str) -> Prices | None:
    written = {kind: stated[kind] for kind in _KINDS if isinstance(stated.get(kind), str)}
    try:
        price = {kind: from_usd_per_token(text) for kind, text in written.items()}
    except ValueError:
        # OpenRouter writes -1 where the price depends on where its own router sends the call.
        return None
    asked, answered = price.get("prompt"), price.get("completion")
    if asked is None or answered is None or asked == answered == 0:
        return None
    return Prices(
        input=asked,
        output=answered,
        cached_input=price.get("input_cache_read") or None,
        cache_write=price.get("input_cache_write") or None,
        request=price.get("request", 0),
        source=source,
    )
