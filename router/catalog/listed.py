"""One entry of litellm's list as prices: base, tiers by length of the prompt, service tiers, hours.

Where the list leaves open which of two prices holds, the one that litellm itself would book is taken:
its order is kept in the order of the overrides. A zero for cached or written input, where plain input has a
price, is a gap in the list and not taken.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from router.catalog.money import from_usd_per_token
from router.pricing import stated_rates
from router.types import Override, Picodollars, Prices, Rates
from router.windows import Window, time_zone

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "input": "input_cost_per_token",
        "output": "output_cost_per_token",
        "cached_input": "cache_read_input_token_cost",
        "cache_write": "cache_creation_input_token_cost",
        "cache_write_long": "cache_creation_input_token_cost_above_1hr",
        "reasoning": "output_cost_per_reasoning_token",
        "audio_input": "input_cost_per_audio_token",
        "audio_output": "output_cost_per_audio_token",
        "image_input": "input_cost_per_image_token",
        "image_output": "output_cost_per_image_token",
        "image": "input_cost_per_image",
        "request": "input_cost_per_request",
    }
)
"""Our kinds, by litellm's names; a tier is these with an ending."""

TIERS: Mapping[str, str] = MappingProxyType(
    {"flex": "_flex", "balanced": "_balanced", "priority": "_priority", "batch": "_batches"}
)
ABOVE = re.compile(r"_above_(\d+)k_tokens")
DAY = 24 * 60

CACHED_SHARE: Mapping[str, Fraction] = MappingProxyType({"fireworks_ai": Fraction(1, 2)})
"""What providers ask for cached input that the list says nothing of, as a share of plain input."""

REACHED = frozenset({"xai"})
"""Providers whose tiers begin with the threshold itself, not above it."""


def prices_of(entry: Mapping[str, Any], source: str) -> Prices | None:
    """Give the prices of an entry, `None` if it has none per token for both ways."""
    tiered = [tier for tier in entry.get("tiered_pricing") or () if isinstance(tier, dict)]
    tiered = sorted((tier for tier in tiered if "range" in tier), key=lambda tier: tier["range"][0])
    base = _rates(tiered[0] if tiered else entry)
    plain = _rates(entry)
    output = base.output if base.output is not None else plain.output
    if base.input is None or output is None:
        return None
    share = CACHED_SHARE.get(entry.get("litellm_provider", ""))
    if share is not None and base.cached_input is None:
        base = replace(base, cached_input=-(-base.input * share.numerator // share.denominator))
    rates: dict[str, Any] = stated_rates(base) | {"output": output}
    search = _price(_search(entry))
    return Prices(
        **rates,
        search=search or 0,
        source=source,
        overrides=(
            *(_tier(tier) for tier in tiered[1:]),
            *_overrides(entry, base, inclusive=entry.get("litellm_provider") in REACHED),
            *_off_peak(entry.get("off_peak_pricing")),
        ),
    )


def _overrides(entry: Mapping[str, Any], base: Rates, *, inclusive: bool) -> Iterator[Override]:
    """Service tiers, then lengths (which hold in every tier), then lengths within a tier."""
    steps = sorted({int(found[1]) for key in entry if (found := ABOVE.search(key))})
    for name in ("flex", "balanced", "priority"):
        yield from _when(entry, TIERS[name], base, tier=name)
    for step in steps:
        yield from _when(entry, f"_above_{step}k_tokens", base, above=step * 1000 - inclusive)
        for name in ("flex", "balanced", "priority"):
            ending = f"_above_{step}k_tokens{TIERS[name]}"
            yield from _when(entry, ending, base, above=step * 1000 - inclusive, tier=name)
    yield from _when(entry, TIERS["batch"], base, tier="batch")
    for step in steps:
        ending = f"_above_{step}k_tokens{TIERS['batch']}"
        yield from _when(entry, ending, base, above=step * 1000 - inclusive, tier="batch")


def _when(
    entry: Mapping[str, Any], ending: str, base: Rates, *, above: int | None = None, tier: str | None = None
) -> Iterator[Override]:
    rates = _rates(entry, ending)
    if tier is not None and base.reasoning is not None and rates.reasoning is None:
        rates = replace(rates, reasoning=rates.output)
    if stated_rates(rates):
        yield Override(rates=rates, above=above, tier=tier)


def _tier(tier: Mapping[str, Any]) -> Override:
    """A tier by range is a price list of its own: what it does not say is not that of another tier."""
    rates = _rates(tier)
    rates = replace(
        rates,
        cached_input=_first(rates.cached_input, rates.input),
        cache_write=_first(rates.cache_write, rates.input),
        reasoning=_first(rates.reasoning, rates.output),
    )
    return Override(rates=rates, above=int(tier["range"][0]))


def _off_peak(block: object) -> Iterator[Override]:
    if not isinstance(block, dict):
        return
    zone = block.get("weekday_timezone") or "UTC"
    windows = [
        window
        for rule in ({"hours_utc": block.get("hours_utc")}, *(block.get("windows") or ()))
        for window in _windows(rule, zone)
    ]
    if windows:
        yield Override(rates=_rates(block), windows=tuple(windows))


def _windows(rule: Mapping[str, Any], zone: str) -> Iterator[Window]:
    """Hours stand there in UTC, weekdays in the calendar of `zone`: both become that zone's wall clock."""
    hours, offset = rule.get("hours_utc"), _offset(zone)
    if offset is None or not hours:
        return
    weekdays = frozenset(rule.get("weekdays") or ())
    for text in [hours] if isinstance(hours, str) else hours:
        start, end = (_minutes(part) + offset for part in text.split("-"))
        length = (end - start) % DAY or DAY
        start %= DAY
        # A weekday is that of the instant, not of the window's beginning: no window may wrap.
        yield Window(zone=zone, start=start, end=min(start + length, DAY) % DAY, weekdays=weekdays)
        if start + length > DAY:
            yield Window(zone=zone, start=0, end=start + length - DAY, weekdays=weekdays)


def _offset(zone: str) -> int | None:
    """Minutes a zone is ahead of UTC, `None` if that changes with the season."""
    try:
        ahead = {datetime(2026, month, 1, tzinfo=time_zone(zone)).utcoffset() for month in range(1, 13)}
    except ValueError:
        return None
    (first, *more) = ahead
    return None if more or first is None else int(first.total_seconds()) // 60


def _minutes(text: str) -> int:
    hour, minute = text.strip().split(":")
    return int(hour) * 60 + int(minute)


def _rates(entry: Mapping[str, Any], ending: str = "") -> Rates:
    found: dict[str, Any] = {kind: _price(entry.get(f"{name}{ending}")) for kind, name in FIELDS.items()}
    for kind in ("cached_input", "cache_write", "cache_write_long", "reasoning"):
        found[kind] = found[kind] or None
    return Rates(**found)


def _search(entry: Mapping[str, Any]) -> object:
    stated = entry.get("search_context_cost_per_query")
    return stated.get("search_context_size_medium") if isinstance(stated, dict) else None


def _price(value: object) -> Picodollars | None:
    try:
        return from_usd_per_token(value) if isinstance(value, int | Decimal | str) else None
    except ValueError:
        return None


def _first(*prices: Picodollars | None) -> Picodollars | None:
    return next((price for price in prices if price is not None), None)
