"""From the rows of the configuration to the upstreams they name."""

import importlib
from collections.abc import Callable

import aiohttp

from router.config import (
    Config,
    HostedUpstream,
    OpenAIUpstream,
    SimulatedUpstream,
    Timeouts,
    UpstreamSettings,
)
from router.dialects import ROUTES, WIRES
from router.seams import Clock, Upstream
from router.types import Endpoint
from router.upstreams.openai_compatible import Deadlines, OpenAICompatible
from router.upstreams.simulated import Simulated
from router.upstreams.simulated_replies import Persona
from router.upstreams.simulated_tasks import read_tasks


def upstream_of(
    row: UpstreamSettings,
    config: Config,
    *,
    session: aiohttp.ClientSession,
    clock: Clock,
    count: Callable[[str], int],
) -> Upstream:
    """Make what reaches the models of one upstream."""
    match row:
        case OpenAIUpstream():
            return OpenAICompatible(
                session,
                base_url=row.base_url,
                wires={
                    endpoint: WIRES[wire](max_answer=row.max_answer_mb << 20)
                    for endpoint, wire in {Endpoint.CHAT: row.wire, **ROUTES}.items()
                },
                clock=clock,
                api_key=row.api_key.get_secret_value() if row.api_key else None,
                headers={name: value.get_secret_value() for name, value in row.headers.items()},
                deadlines=_deadlines(row.timeouts),
                proxy_url=row.proxy_url.get_secret_value() if row.proxy_url else None,
            )
        case HostedUpstream():
            # The door to litellm: three seconds and 200 MB, only for those who need it.
            hosted = importlib.import_module("router.upstreams.hosted")
            made: Upstream = hosted.Hosted(row.provider, row.revealed(), deadlines=_deadlines(row.timeouts))
            return made
        case SimulatedUpstream():
            return _simulated(row, config, count)


def _simulated(row: SimulatedUpstream, config: Config, count: Callable[[str], int]) -> Upstream:
    behaviours = {model.name: model.simulated for model in config.models if model.simulated is not None}
    return Simulated(
        seed=row.seed,
        first_token_ms=row.first_token_ms,
        tokens_per_second=row.tokens_per_second,
        personas={name: Persona(**behaviour.model_dump()) for name, behaviour in behaviours.items()},
        tasks=read_tasks(row.tasks) if row.tasks is not None else {},
        count=count,
    )


def _deadlines(timeouts: Timeouts) -> Deadlines:
    return Deadlines(**timeouts.model_dump())
