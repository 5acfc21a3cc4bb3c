"""Chooses models to begin with: a few open-weight ones a provider, each larger and dearer than the last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from router.catalog.facts import Facts, ModelFacts
from router.catalog.knowledge import Knowledge
from router.catalog.pricemap import Known
from router.types import Picodollars, Prices

_NOTICE = timedelta(days=30)
"""What is retired sooner is not worth beginning with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A model at a provider: what the provider calls it, what it is, and what the lists say of it there."""

    upstream_name: str
    facts: ModelFacts
    known: Known


def ladder(offered: Iterable[tuple[str, Known]], facts: Facts, today: date) -> tuple[Step, ...]:
    """Choose at most one model of each rung, the cheapest there, and none that a larger one undercuts.

    Cheapest first; unpriced models are chosen only if nothing has a price, so that they can be shown as such.
    """
    steps = [
        Step(upstream_name=name, facts=one, known=known)
        for name, known in offered
        if (one := facts.find(name)) is not None
        and one.rung is not None
        and (known.retires is None or known.retires > today + _NOTICE)
    ]
    priced = [(blend(step.known.prices), step) for step in steps if step.known.prices is not None]
    if not priced:
        return tuple(sorted(steps, key=lambda step: (step.facts.rung or 0, step.upstream_name))[:4])
    chosen: list[tuple[Picodollars, Step]] = []
    for rung in (4, 3, 2, 1):
        here = [pair for pair in priced if pair[1].facts.rung == rung]
        if here:
            cheapest = min(here, key=lambda pair: (pair[0], pair[1].upstream_name))
            if not chosen or cheapest[0] < chosen[-1][0]:
                chosen.append(cheapest)
    return tuple(step for _, step in reversed(chosen))


def merged(
    listed: Mapping[str, Known] | None, offered: Iterable[tuple[str, Known]]
) -> Iterable[tuple[str, Known]]:
    """Join what a provider lists itself with what other lists say of it; its own list has the last word.

    Without a list of its own, the others are taken as they are.
    """
    others = dict(offered)
    if listed is None:
        return others.items()
    return [(name, _joined(known, others.get(name))) for name, known in listed.items()]


def market(knowledge: Knowledge) -> Mapping[str, tuple[str, Prices]]:
    """Find for each model of ours who rents it out cheapest, and at what price."""
    cheapest: dict[str, tuple[str, Prices]] = {}
    for provider in knowledge.providers.hosted:
        for name, known in knowledge.offers(provider):
            facts = knowledge.facts.find(name)
            if facts is None or known.prices is None:
                continue
            best = cheapest.get(facts.id)
            if best is None or blend(known.prices) < blend(best[1]):
                cheapest[facts.id] = (provider.name, known.prices)
    return cheapest


def blend(prices: Prices) -> Picodollars:
    """Return the price of four tokens, three of them read: a usual mix, only to compare by."""
    return 3 * prices.input + prices.output


def _joined(own: Known, other: Known | None) -> Known:
    if other is None:
        return own
    return replace(
        own,
        prices=own.prices or other.prices,
        unpriced=None if own.prices or other.prices else own.unpriced,
        context_window=own.context_window or other.context_window,
        max_output=own.max_output or other.max_output,
        capabilities=own.capabilities or other.capabilities,
        retires=own.retires or other.retires,
    )
