"""The price book as people look at it: what a model costs, who says so, how old that is, what is wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from router.catalog.knowledge import Knowledge
from router.catalog.money import usd_per_million_text, usd_text
from router.pricing import KINDS, stated_rates
from router.types import Model, Override, Prices
from router.windows import Window

PER_CALL = frozenset({"image", "search", "request", "minimum"})
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STALE_DAYS = 90
TOLERANCE = 0.01
"""Sources may differ by this share before they contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is wrong with the price of a model."""

    model: str
    kind: str
    said: str


def row(model: Model, today: date) -> dict[str, Any]:
    """Give what is known of a model's price, in USD per million tokens (per call where that is meant)."""
    prices = model.prices
    if prices is None:
        return {"model": model.name, "provider": model.provider, "price": None}
    return {
        "model": model.name,
        "provider": model.provider,
        "price": _written(_stated(prices)),
        "otherwise": [_override(override) for override in prices.overrides],
        "source": prices.source,
        "age_days": (today - prices.checked).days if prices.checked else None,
    }


def trouble(
    models: Iterable[Model], stated: Mapping[str, Prices | None], knowledge: Knowledge, today: date
) -> Iterator[Trouble]:
    """Find prices that are missing, contradict another source, or are old.

    `stated` are the configuration's own.
    """
    for model in models:
        known = knowledge.known(model.provider, model.upstream_name)
        if model.prices is None:
            why = known.unpriced if known is not None and known.unpriced else "nobody states a price"
            yield Trouble(model=model.name, kind="missing", said=why)
            continue
        own = stated.get(model.name)
        if own is not None and known is not None and known.prices is not None:
            for kind in _apart(own, known.prices):
                other = f"{_one(known.prices, kind)} by {known.source}"
                said = f"{kind} is {_one(own, kind)} by {own.source}, {other}"
                yield Trouble(model=model.name, kind="contradiction", said=said)
        checked = model.prices.checked
        if checked is not None and (today - checked).days > STALE_DAYS:
            said = f"{model.prices.source} was looked up {(today - checked).days} days ago"
            yield Trouble(model=model.name, kind="stale", said=said)
        if known is not None and known.retires is not None and known.retires <= today:
            said = f"{known.source} says that the provider retired it on {known.retires}"
            yield Trouble(model=model.name, kind="retired", said=said)
        ends = [override.until for override in model.prices.overrides if override.until is not None]
        if any(end.date() <= today for end in ends):
            yield Trouble(model=model.name, kind="stale", said="an override of its price is over")


def changes(old: Mapping[str, Prices | None], new: Mapping[str, Prices | None]) -> Iterator[str]:
    """Say in a line each what changed between two books."""
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"{name}: gone"
        elif name not in old:
            yield f"{name}: new, {_short(new[name])}"
        elif _short(old[name]) != _short(new[name]):
            before, after = _flat(old[name]), _flat(new[name])
            told = [
                f"{kind} {before.get(kind, 'none')} -> {after.get(kind, 'none')}"
                for kind in sorted(before.keys() | after.keys())
                if before.get(kind) != after.get(kind)
            ]
            yield f"{name}: {', '.join(told)}"


def _stated(prices: Prices) -> dict[str, int]:
    return {
        kind: value
        for kind in KINDS
        if (value := getattr(prices, kind)) is not None
        and (value or kind in {"input", "output", "cached_input"})
    }


def _written(rates: Mapping[str, int]) -> dict[str, str]:
    return {
        kind: usd_text(value) if kind in PER_CALL else usd_per_million_text(value)
        for kind, value in rates.items()
    }


def _override(override: Override) -> dict[str, Any]:
    when: dict[str, Any] = {}
    if override.above is not None:
        when["above"] = override.above
    if override.tier is not None:
        when["tier"] = override.tier
    if override.windows:
        when["hours"] = [_window(window) for window in override.windows]
    when |= {
        name: instant.isoformat()
        for name, instant in (("since", override.since), ("until", override.until))
        if instant is not None
    }
    return {"when": when, "price": _written(stated_rates(override.rates))}


def _window(window: Window) -> str:
    start, end = (f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (window.start, window.end or 1440))
    days = " ".join(DAYS[day - 1] for day in sorted(window.weekdays))
    return f"{start}-{end} {window.zone}{f' on {days}' if days else ''}"


def _apart(own: Prices, other: Prices) -> Sequence[str]:
    ours, theirs = _stated(own), _stated(other)
    return [
        kind
        for kind in sorted(ours.keys() & theirs.keys())
        if abs(ours[kind] - theirs[kind]) > TOLERANCE * max(ours[kind], theirs[kind])
    ]


def _one(prices: Prices, kind: str) -> str:
    return _written(_stated(prices))[kind]


def _flat(prices: Prices | None) -> dict[str, str]:
    if prices is None:
        return {}
    flat = _written(_stated(prices))
    for override in prices.overrides:
        told = _override(override)
        when = " ".join(f"{name}={value}" for name, value in told["when"].items())
        flat |= {f"{kind} where {when}": value for kind, value in told["price"].items()}
    return flat


def _short(prices: Prices | None) -> str:
    return "unpriced" if prices is None else ", ".join(f"{k} {v}" for k, v in _flat(prices).items())
