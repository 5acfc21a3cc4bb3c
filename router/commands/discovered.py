"""The configuration of what was found.

`farthing init` writes it into a file; `farthing serve` without a file reads what would have been written.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from router.catalog.discovery import FoundModel
from router.catalog.knowledge import Knowledge
from router.catalog.money import usd_per_million_text, usd_text
from router.commands.discovering import Hosted, Local, discover, usable
from router.types import Capability, Prices


def discovered_config(environ: Mapping[str, str], knowledge: Knowledge, *, today: date) -> str | None:
    """Return what `farthing init --yes` would write, `None` if there is nothing to route to.

    Blocks for half a second where nothing is slow, for six at most; must not be called inside an event loop.
    """
    local, hosted = asyncio.run(discover(environ, knowledge, today=today))
    return write_config(local, hosted, today=today) if usable(local, hosted) else None


def write_config(local: Sequence[Local], hosted: Sequence[Hosted], *, today: date, free: bool = False) -> str:
    """Write the configuration of what was found, as YAML with comments; keys stand there as `${NAME}` alone.

    One's own models cost what renting the same weights would, so that routing has an order to go by,
    or nothing at all if `free` says so; those that nobody rents out have no price.
    """
    taken, upstreams, rows = _Names(), list[str](), list[_Row]()
    for engine in local:
        name = taken.take(engine.found.provider.id if engine.found.provider else "local")
        upstreams += _engine(name, engine)
        rows += _engine_rows(name, engine, free=free)
    for other in hosted:
        name = taken.take(other.provider.id)
        upstreams += _provider(name, other)
        rows += _provider_rows(name, other)
    # What is only a comment takes no name away from what is served.
    names, served = _Names(), sorted(dict.fromkeys(rows), key=lambda row: row.out)
    lines = {row: list(_lines(row, names.take(row.wanted, row.upstream), today)) for row in served}
    models = [line for row in dict.fromkeys(rows) for line in lines[row]]
    unpriced = any(row.price is None and not row.out for row in rows)
    return "\n".join(
        [
            _HEAD.format(today=today),
            "upstreams:",
            *upstreams,
            _MODELS,
            *models,
            _POLICIES.format(on_unpriced="allow" if unpriced else "refuse"),
        ]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One model to be written; `out` if only as a comment."""

    upstream: str
    upstream_name: str
    wanted: str
    price: Prices | None
    source: str
    window: int | None = None
    most: int | None = None
    capabilities: frozenset[Capability] | None = None
    note: str | None = None
    out: bool = False


def _engine(upstream: str, local: Local) -> Iterator[str]:
    found = local.found
    if not found.models:
        yield f"  # {found.name} answers at {found.base_url}, but has no models yet."
        return
    yield f"  {upstream}:"
    yield "    kind: openai"
    yield f"    base_url: {json.dumps(found.base_url)}"
    if found.provider is not None:
        yield f"    provider: {found.provider.id}"


def _engine_rows(upstream: str, local: Local, *, free: bool) -> Iterator[_Row]:
    provider = local.found.provider
    note = None
    if provider is not None and Capability.TOOLS not in provider.can:
        can = ", ".join(sorted({*provider.can, Capability.TOOLS}))
        note = f"If {provider.name} was started to call tools, say so: capabilities: [{can}]"
    for model in local.found.models:
        price, source = _own_price(local, model, free=free)
        yield _Row(
            upstream=upstream,
            upstream_name=model.upstream_name,
            wanted=model.upstream_name.rpartition("/")[2],
            price=price,
            source=source,
            window=model.context_window,
            capabilities=model.capabilities,
            note=note,
        )


def _own_price(local: Local, model: FoundModel, *, free: bool) -> tuple[Prices | None, str]:
    if free:
        return Prices(input=0, output=0), "said to be free"
    if model.upstream_name not in local.rented:
        return None, "nobody is known to rent it out; say what it costs you, or it is booked as unpriced"
    landlord, price = local.rented[model.upstream_name]
    rent = Prices(input=price.input, output=price.output)
    return rent, f"what {landlord} asks for the same weights ({price.source}); put your own cost here"


def _provider(upstream: str, hosted: Hosted) -> Iterator[str]:
    provider = hosted.provider
    if hosted.note is not None:
        yield f"  # {hosted.note}"
    if not hosted.steps:
        yield f"  # {provider.name} is left out: there is no model of it to begin with."
        return
    yield f"  {upstream}:"
    yield "    kind: openai"
    yield f"    base_url: {json.dumps(provider.base_url)}"
    yield f'    api_key: "${{{provider.key}}}"'
    yield f"    provider: {provider.id}"


def _provider_rows(upstream: str, hosted: Hosted) -> Iterator[_Row]:
    for step in hosted.steps:
        known = step.known
        yield _Row(
            upstream=upstream,
            upstream_name=step.upstream_name,
            wanted=step.facts.id,
            price=known.prices,
            source=known.prices.source if known.prices else known.unpriced or "its price is not known",
            window=known.context_window,
            most=known.max_output,
            capabilities=known.capabilities,
            out=known.prices is None,
        )


def _lines(row: _Row, name: str, today: date) -> Iterator[str]:
    lead = "  # " if row.out else "  "
    yield f"{lead}- name: {json.dumps(name)}"
    yield f"{lead}  upstream: {row.upstream}"
    yield f"{lead}  upstream_name: {json.dumps(row.upstream_name)}"
    if row.price is None:
        yield f"{lead}  {'' if row.out else '# '}price: {{input: ?, output: ?}}  # {row.source}"
    else:
        yield f"{lead}  price: {_price(row.price)}  # {row.source}, {today}"
    if row.window is not None:
        yield f"{lead}  context_window: {row.window}"
    if row.most is not None:
        yield f"{lead}  max_output: {row.most}"
    if row.capabilities:
        yield f"{lead}  capabilities: [{', '.join(sorted(row.capabilities))}]"
    if row.note is not None:
        yield f"{lead}  # {row.note}"


@dataclass(frozen=True, slots=True)
class _Names:
    """Hands out names that need no quotes, each once."""

    taken: set[str] = field(default_factory=lambda: {"auto"})

    def take(self, wanted: str, upstream: str | None = None) -> str:
        """Return `wanted`, or what comes nearest and nothing else has yet."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted).strip("-._") or "model"
        longer = f"{plain}-{upstream}" if upstream else plain
        tries = (plain, longer, *(f"{longer}-{number}" for number in range(2, len(self.taken) + 3)))
        name = next(one for one in tries if one.lower() not in self.taken)
        self.taken.add(name.lower())
        return name


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

# Where models are reached. ${{NAME}} is looked up in the environment."""

_MODELS = """
# What is served, under which name. Prices are USD per million tokens.
# A price of 0 is a statement, not a gap: leave `price` out where you do not know it.
# What is left out (context window, capabilities, size) is filled in from what is publicly known.
models:"""

_POLICIES = """
# How a model is chosen: `auto` asks `default`, `auto:<name>` another one.
policies:
  default:
    strategy: cheapest_adequate  # the cheapest model that is predicted to be good enough
    quality: 0.9                 # good enough: this share of the best model's chance of success
    checks: [shape, refusal]     # an answer that fails one is dropped, and a stronger model is asked
    on_unpriced: {on_unpriced:16}# whether a model without a known price may serve
"""
