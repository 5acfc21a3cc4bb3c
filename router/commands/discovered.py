"""What is there to route to, and the configuration that says so.

`farthing init` writes it into a file; `farthing serve` without a file reads what would have been written.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import aiohttp

from router.catalog.asking import RefusedError
from router.catalog.discovery import Found, FoundModel, hosted_providers, local_engines
from router.catalog.knowledge import Knowledge
from router.catalog.money import usd_per_million_text, usd_text
from router.catalog.offers import offers
from router.catalog.providers import Provider
from router.commands.ladder import Step, ladder, market, merged
from router.types import Capability, Prices


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


def write_config(local: Sequence[Local], hosted: Sequence[Hosted], *, today: date, free: bool = False) -> str:
    """Write the configuration of what was found, as YAML with comments; keys stand there as `${NAME}` alone.

    One's own models cost what renting the same weights would, so that routing has an order to go by,
    or nothing at all if `free` says so; those that nobody rents out have no price.
    """
    writer = _Writer(today=today, free=free)
    for one in local:
        writer.engine(one)
    for other in hosted:
        writer.provider(other)
    return writer.text()


@dataclass(slots=True)
class _Writer:
    """Collects the two sections, and the names that are taken."""

    today: date
    free: bool
    upstreams: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=lambda: {"auto"})
    unpriced: bool = False

    def engine(self, local: Local) -> None:
        found = local.found
        if not found.models:
            self.upstreams.append(f"  # {found.name} answers at {found.base_url}, but has no models yet.")
            return
        provider = found.provider
        upstream = self._free_name(provider.id if provider else "local")
        self.upstreams += [f"  {upstream}:", "    kind: openai", f"    base_url: {_quoted(found.base_url)}"]
        if provider is not None:
            self.upstreams.append(f"    provider: {provider.id}")
            if Capability.TOOLS not in provider.can:
                self.models.append(
                    f"  # {provider.name} does not tell whether it was started to call tools;"
                    " if so, add tools to `capabilities`."
                )
        for model in found.models:
            price, source = self._own_price(local, model)
            self._model(
                upstream,
                model.upstream_name,
                price=price,
                source=source,
                window=model.context_window,
                capabilities=model.capabilities,
            )

    def provider(self, hosted: Hosted) -> None:
        provider = hosted.provider
        if hosted.note is not None:
            self.upstreams.append(f"  # {hosted.note}")
        if not hosted.steps:
            self.upstreams.append(f"  # {provider.name} serves no open-weight model that is known here.")
            return
        upstream = self._free_name(provider.id)
        self.upstreams += [
            f"  {upstream}:",
            "    kind: openai",
            f"    base_url: {_quoted(provider.base_url)}",
            f'    api_key: "${{{provider.key}}}"',
            f"    provider: {provider.id}",
        ]
        for step in hosted.steps:
            known = step.known
            self._model(
                upstream,
                step.upstream_name,
                wanted=step.facts.id,
                price=known.prices,
                source=known.prices.source if known.prices else known.unpriced or "its price is not known",
                window=known.context_window,
                most=known.max_output,
                capabilities=known.capabilities,
                out=known.prices is None,
            )

    def _own_price(self, local: Local, model: FoundModel) -> tuple[Prices | None, str]:
        if self.free:
            return Prices(input=0, output=0), "said to be free"
        if model.upstream_name not in local.rented:
            self.unpriced = True
            return None, "nobody is known to rent it out: say what it costs you, or it is booked as unpriced"
        landlord, price = local.rented[model.upstream_name]
        rent = Prices(input=price.input, output=price.output)
        return rent, f"what {landlord} asks for the same weights ({price.source}); put your own cost here"

    def _model(
        self,
        upstream: str,
        upstream_name: str,
        *,
        price: Prices | None,
        source: str,
        wanted: str | None = None,
        window: int | None = None,
        most: int | None = None,
        capabilities: frozenset[Capability] | None = None,
        out: bool = False,
    ) -> None:
        name = self._free_name(wanted or upstream_name.rpartition("/")[2], upstream)
        lines = [
            f"- name: {_quoted(name)}",
            f"  upstream: {upstream}",
            f"  upstream_name: {_quoted(upstream_name)}",
        ]
        if price is None:
            lines.append(f"  # price: {{input: , output: }}  # USD per million tokens; {source}")
        else:
            lines.append(f"  price: {_price(price)}  # {source}, {self.today}")
        if window is not None:
            lines.append(f"  context_window: {window}")
        if most is not None:
            lines.append(f"  max_output: {most}")
        if capabilities:
            lines.append(f"  capabilities: [{', '.join(sorted(capabilities))}]")
        self.models += [f"  # {line}" if out else f"  {line}" for line in lines]

    def _free_name(self, wanted: str, upstream: str | None = None) -> str:
        """Return `wanted` as a name that needs no quoting; made longer until nothing else has it."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted).strip("-._") or "model"
        tries = [plain, *([f"{plain}-{upstream}"] if upstream else [])]
        tries += [f"{tries[-1]}-{number}" for number in range(2, len(self.names) + 3)]
        name = next(one for one in tries if one.lower() not in self.names)
        self.names.add(name.lower())
        return name

    def text(self) -> str:
        allow = "allow " if self.unpriced else "refuse"
        return _HEAD.format(today=self.today) + "\n".join(
            [
                "upstreams:",
                *self.upstreams,
                "",
                _MODELS,
                *self.models,
                "",
                _POLICIES.format(on_unpriced=allow),
            ]
        )


def _price(prices: Prices) -> str:
    stated = {
        "input": prices.input,
        "output": prices.output,
        "cached_input": prices.cached_input,
        "cache_write": prices.cache_write,
    }
    parts = [f"{kind}: {usd_per_million_text(price)}" for kind, price in stated.items() if price is not None]
    if prices.request:
        parts.append(f"request: {usd_text(prices.request)}")
    return "{" + ", ".join(parts) + "}"


def _quoted(text: str) -> str:
    return json.dumps(text)


_HEAD = """\
# farthing.yaml, written by `farthing init` on {today}.
# It is yours now: change what you like, then `farthing config check`.
#
# Start:  farthing serve
# Ask:    curl http://127.0.0.1:9600/v1/chat/completions -H 'content-type: application/json' \\
#           -d '{{"model": "auto", "messages": [{{"role": "user", "content": "Hello"}}]}}'
# Look:   farthing report

server: {{host: 127.0.0.1, port: 9600}}
data: ./farthing-data  # what was asked of whom, and what it cost; no prompts, no answers
auth: none             # only this machine can call; for others: `keys`

# Where models are reached. ${{NAME}} is looked up in the environment.
"""

_MODELS = """\
# What is served, under which name. Prices are USD per million tokens.
# A price of 0 is a statement, not a gap: leave `price` out where you do not know it.
# What is left out (context window, capabilities, size) is filled in from what is publicly known.
models:"""

_POLICIES = """\
# How a model is chosen: `auto` asks `default`, `auto:<name>` another one.
policies:
  default:
    strategy: cheapest_adequate  # the cheapest model that is predicted to be good enough
    quality: 0.9                 # good enough: this share of the best model's chance of success
    checks: [shape, refusal]     # an answer that fails one is dropped, and a stronger model is asked
    on_unpriced: {on_unpriced}          # whether a model without a known price may serve
"""
