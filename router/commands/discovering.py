"""Looks for what there is to route to."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import aiohttp

from router.catalog.asking import RefusedError
from router.catalog.discovery import Found, hosted_providers, local_engines
from router.catalog.knowledge import Knowledge
from router.catalog.offers import offers
from router.catalog.providers import Provider
from router.commands.ladder import Step, ladder, market, merged
from router.types import Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """An engine that answered, and what renting its models would cost, by the engine's name for them."""

    found: Found
    rented: Mapping[str, tuple[str, Prices]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A provider whose key is there; `note` says what came of asking it for its list."""

    provider: Provider
    steps: tuple[Step, ...]
    note: str | None = None


async def discover(
    environ: Mapping[str, str],
    knowledge: Knowledge,
    *,
    today: date,
    engines: Sequence[Provider] | None = None,
) -> tuple[list[Local], list[Hosted]]:
    """Look for engines (the usual ones, unless given) and for providers whose key is in `environ`.

    Takes half a second where nothing is slow, six at most.
    """
    rows = knowledge.providers.engines if engines is None else engines
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        local = group.create_task(local_engines(session, rows))
        hosted = [
            group.create_task(_hosted(session, row, environ[row.key].strip(), knowledge, today))
            for row in hosted_providers(environ, knowledge.providers.hosted)
            if row.key is not None
        ]
    return _rented(local.result(), knowledge), [task.result() for task in hosted]


async def _hosted(
    session: aiohttp.ClientSession, provider: Provider, key: str, knowledge: Knowledge, today: date
) -> Hosted:
    try:
        listed = await offers(session, provider, key)
    except RefusedError:
        return Hosted(provider=provider, steps=(), note=f"{provider.name} refused the key in {provider.key}.")
    note = None if listed else f"{provider.name} gave no list of its own: what it serves may have changed."
    offered = merged(listed or None, knowledge.offers(provider))
    return Hosted(provider=provider, steps=ladder(offered, knowledge.facts, today), note=note)


def _rented(engines: Sequence[Found], knowledge: Knowledge) -> list[Local]:
    if not engines:
        return []
    prices = market(knowledge)
    return [
        Local(
            found=found,
            rented={
                model.upstream_name: prices[facts.id]
                for model in found.models
                if (facts := knowledge.facts.find(model.upstream_name)) is not None and facts.id in prices
            },
        )
        for found in engines
    ]


def usable(local: Sequence[Local], hosted: Sequence[Hosted]) -> bool:
    """Say whether a configuration of these would have a model to route to."""
    priced = (step.known.prices for one in hosted for step in one.steps)
    return any(one.found.models for one in local) or any(price is not None for price in priced)
