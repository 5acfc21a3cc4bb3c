"""What every upstream keeps to: deltas, then one ending and nothing more; or an `UpstreamError`.

`Hosted` is held to the same in its own test, since to import it takes seconds.
"""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from router.clock import SystemClock
from router.dialects.wire import ChatWire
from router.errors import UpstreamError
from router.seams import Upstream
from router.types import Delta, Ending, Endpoint, Limits, Request
from router.upstreams.openai_compatible import Deadlines, OpenAICompatible
from router.upstreams.simulated import Simulated
from router.upstreams.simulated_replies import Persona
from tests.support.fake_upstream import FAULTS, FLAVOURS, FakeUpstream
from tests.support.world import items_of, model, request

SOON = Deadlines(connect=1, first_token=0.3, idle=0.3, total=0.6)

FAILING = ("error_rate", "empty_rate", "cut_rate", "refusal_rate", "malformed_rate")
SECRET = "sk-secret-of-the-test"
PERSONAS = {rate: Persona(ability=-9, **{rate: 1.0}) for rate in FAILING} | {"able": Persona(ability=9)}

streamed_or_not = pytest.mark.parametrize("stream", [True, False], ids=["stream", "plain"])


@pytest.fixture
async def fake() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def asked(*, stream: bool, choices: int = 1) -> Request:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}], "stream": stream, "n": choices}
    return request("Hi", body=body, stream=stream, limits=Limits(choices=choices))


async def kept_to(upstream: Upstream, asked: Request, name: str) -> list[Delta] | None:
    """Give the deltas of a reply (`None`: the upstream failed); fail if it breaks the contract."""
    items: list[Delta | Ending] = []
    failure = None
    try:
        items.extend(await items_of(upstream.send(asked, model(name))))
    except UpstreamError as error:
        failure = error
    if failure is not None:
        assert failure.message
        assert SECRET not in str(failure)
        return None
    *deltas, ending = items
    assert isinstance(ending, Ending)
    assert all(isinstance(delta, Delta) for delta in deltas)
    return deltas


@streamed_or_not
async def test_an_openai_compatible_one_with_every_fault(fake: FakeUpstream, stream: bool):
    """All at once: many of them take their deadline."""
    faults = [f"fault-{name}" for name in FAULTS if stream or not name.startswith("stream-")]
    names = [*faults, *(f"fake-{name}" for name in FLAVOURS)]
    async with aiohttp.ClientSession() as session:
        upstream = OpenAICompatible(
            session,
            base_url=fake.url,
            wires={Endpoint.CHAT: ChatWire(max_answer=1 << 20)},
            clock=SystemClock(),
            api_key=SECRET,
            deadlines=SOON,
        )
        asking = [kept_to(upstream, asked(stream=stream), name) for name in names]
        outcomes = dict(zip(names, await asyncio.gather(*asking, return_exceptions=True), strict=True))
        await upstream.close()
    assert {name: found for name, found in outcomes.items() if isinstance(found, BaseException)} == {}


@pytest.mark.parametrize("name", PERSONAS)
@pytest.mark.parametrize("choices", [1, 3])
@streamed_or_not
async def test_a_simulated_one_of_each_kind(name: str, choices: int, stream: bool):
    upstream = Simulated(personas=PERSONAS)
    deltas = await kept_to(upstream, asked(stream=stream, choices=choices), name)
    assert (deltas is None) == (name == "error_rate")
    if deltas is not None:
        finished = [delta.choice for delta in deltas if delta.finish_reason]
        assert sorted(finished) == list(range(choices)), "each choice is finished once"
    await upstream.close()


@streamed_or_not
async def test_whoever_leaves_early_leaves_nothing_open(fake: FakeUpstream, stream: bool):
    async with aiohttp.ClientSession() as session:
        wires, clock = {Endpoint.CHAT: ChatWire()}, SystemClock()
        compatible = OpenAICompatible(session, base_url=fake.url, wires=wires, clock=clock)
        for upstream in (compatible, Simulated()):
            reply = upstream.send(asked(stream=stream), model("fake"))
            await anext(reply)
            await reply.aclose()
            await upstream.close()
        assert not session.closed, "the session is the app's"
