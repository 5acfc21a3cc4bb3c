"""litellm's list of prices and context windows, read as data.

The list lies in litellm's wheel; litellm is not imported for it: that takes seconds and asks the network.
It is read at start-up and by commands, never on a request's way.

What is taken, and what not (how an entry becomes prices: `listed.py`):

- Tiers by length, service tiers (flex, priority, batch) and hours of the day are taken as they are.
- A price of zero for both input and output is a promotion, a gap or somebody's own machine, not a price:
  such a model is unpriced here. Who means zero says so in the configuration.
- A zero for cached or written input, where plain input has a price, is not taken either: that falls back to
  the price of input.
- `max_output` that is the whole window says nothing, and is left unknown.
"""

import importlib.metadata
import importlib.util
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from router.catalog.listed import FIELDS, prices_of
from router.types import Capability, Endpoint, Prices

_FILE = "model_prices_and_context_window_backup.json"
_MODES: Mapping[str, Endpoint] = {
    "chat": Endpoint.CHAT,
    "responses": Endpoint.CHAT,
    "completion": Endpoint.COMPLETIONS,
    "embedding": Endpoint.EMBEDDINGS,
}
_FLAGS: Mapping[str, set[Capability]] = {
    "supports_function_calling": {Capability.TOOLS},
    "supports_tool_choice": {Capability.TOOLS},
    "supports_response_schema": {Capability.JSON_SCHEMA, Capability.JSON_OBJECT},
    "supports_vision": {Capability.VISION},
    "supports_audio_input": {Capability.AUDIO},
    "supports_pdf_input": {Capability.FILES},
}

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a list knows of a model at a provider.

    `unpriced` says why there are no prices; `capabilities` is `None` where the list states none;
    `retires` is the day from which the provider no longer serves it; `serves` is what it may be asked for.
    """

    source: str
    prices: Prices | None = None
    unpriced: str | None = None
    context_window: int | None = None
    max_output: int | None = None
    capabilities: frozenset[Capability] | None = None
    retires: date | None = None
    serves: frozenset[Endpoint] | None = None


@dataclass(frozen=True, slots=True)
class PriceMap:
    """Looks up what litellm's list says; empty where there is none."""

    entries: Mapping[tuple[str, str], tuple[str, Mapping[str, Any]]] = field(default_factory=dict, repr=False)
    source: str = "no list"

    @classmethod
    def load(cls, path: Path | None = None) -> "PriceMap":
        """Read the list from `path`, or from the installed litellm; without one, warn and know nothing."""
        try:
            text = (path or _installed()).read_text(encoding="utf-8")
            listed: dict[str, dict[str, Any]] = json.loads(text, parse_float=Decimal)
        except (OSError, ValueError) as error:
            _logger.warning(
                "No price list of litellm: %s. Models without a price of their own are unpriced.", error
            )
            return cls()
        entries: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {}
        for key, entry in listed.items():
            provider = entry.get("litellm_provider")
            if provider is None or entry.get("mode") not in _MODES:
                continue
            name = key.removeprefix(f"{provider}/")
            # Some models stand there twice, with and without their provider; the one with it is kept.
            if name != key or (provider, name.lower()) not in entries:
                entries[provider, name.lower()] = (name, entry)
        return cls(entries, f"litellm {importlib.metadata.version('litellm')}")

    def find(self, provider: str | None, upstream_name: str) -> Known | None:
        """Return what is known of `upstream_name` at `provider` (as litellm calls it), or `None`."""
        if provider is None:
            return None
        name = upstream_name.lower()
        found = self.entries.get((provider, name)) or self.entries.get(
            (provider, name.removeprefix(f"{provider}/"))
        )
        return _known(found[1], self.source) if found else None

    def of_provider(self, provider: str) -> Iterator[tuple[str, Known]]:
        """Yield every chat model of a provider by the name the provider takes."""
        for (owner, _), (name, entry) in self.entries.items():
            if owner == provider and _endpoint(entry) is Endpoint.CHAT:
                yield name, _known(entry, self.source)


def _installed() -> Path:
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("litellm is not installed")
    return Path(spec.origin).with_name(_FILE)


def _known(entry: Mapping[str, Any], source: str) -> Known:
    prices, unpriced = _prices(entry, source)
    window, most = _count(entry.get("max_input_tokens")), _count(entry.get("max_output_tokens"))
    return Known(
        source=source,
        prices=prices,
        unpriced=unpriced,
        context_window=window,
        max_output=most if most and (window is None or most < window) else None,
        capabilities=_capabilities(entry),
        retires=_day(entry.get("deprecation_date")),
        serves=None if _endpoint(entry) is Endpoint.CHAT else frozenset({_endpoint(entry)}),
    )


def _endpoint(entry: Mapping[str, Any]) -> Endpoint:
    return _MODES[entry.get("mode", "chat")]


def _prices(entry: Mapping[str, Any], source: str) -> tuple[Prices | None, str | None]:
    if _endpoint(entry) is Endpoint.EMBEDDINGS:
        entry = {FIELDS["output"]: 0, **entry}  # nothing is written
    prices = prices_of(entry, source)
    if prices is None:
        return None, f"{source} has no price per token for it"
    if prices.input == prices.output == 0:
        return None, f"{source} lists it at zero, which is no price (write one of 0 if you mean it)"
    return prices, None


def _capabilities(entry: Mapping[str, Any]) -> frozenset[Capability] | None:
    if not any(flag in entry for flag in _FLAGS):
        return None
    return frozenset(one for flag, can in _FLAGS.items() if entry.get(flag) is True for one in can)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
