"""The transport: deadlines, redirects, sizes, and what becomes of each failure."""

import aiohttp
import pytest

from router.clock import SystemClock
from router.dialects import WIRES
from router.draft import assemble
from router.errors import Broken, CallerFault, Denied, RateLimited, TimedOut, Truncated, Unreachable
from router.types import Ending, Endpoint
from router.upstreams.openai_compatible import Deadlines, OpenAICompatible
from tests.support.fake_upstream import FakeUpstream
from tests.support.world import items_of, model, request

SHORT = Deadlines(connect=1, first_token=0.4, idle=0.4, total=1.5)
SECRET = "sk-test-0123456789abcdef"


async def reply(name, *, stream=False, base_url=None, deadlines=SHORT, max_answer=64 << 20):
    """Ask the fake upstream's model `name` and assemble what comes."""
    body = {"messages": [{"role": "user", "content": "hi"}], "stream": stream}
    async with FakeUpstream() as fake, aiohttp.ClientSession(auto_decompress=False) as session:
        upstream = OpenAICompatible(
            session,
            base_url=base_url or fake.url,
            wires={Endpoint.CHAT: WIRES["chat"](max_answer=max_answer)},
            clock=SystemClock(),
            api_key=SECRET,
            deadlines=deadlines,
        )
        items = await items_of(upstream.send(request(stream=stream, body=body), model(name)))
    *deltas, ending = items
    assert isinstance(ending, Ending)
    return assemble(deltas, ending)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_good_answer_is_read(stream):
    answer = await reply("good", stream=stream)
    assert answer.text
    assert answer.usage.output > 0
    assert answer.served_model == "good"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("rst", Unreachable),
        ("fin", Unreachable),
        ("hang", TimedOut),
        ("500", Broken),
        ("502-html", Broken),
        ("503-retry", RateLimited),
        ("529", RateLimited),
        ("401-key", Denied),
        ("404", Denied),
        ("not-http", Broken),
        ("empty", Broken),
        ("html", Broken),
        ("array", Broken),
        ("object", Broken),
        ("redirect", Denied),
    ],
)
async def test_each_fault_before_the_first_byte_has_its_name(stream, fault, kind):
    with pytest.raises(kind) as caught:
        await reply(f"fault-{fault}", stream=stream)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ("stream-rst", (Truncated, Unreachable)),
        ("stream-eof", (Truncated,)),
        ("stream-stall", (TimedOut,)),
        ("stream-error", (Broken, RateLimited)),
        ("stream-comments", (TimedOut, Broken)),
    ],
)
async def test_each_fault_in_a_stream_has_its_name(fault, kinds):
    with pytest.raises(kinds):
        await reply(f"fault-{fault}", stream=True)


async def test_an_answer_that_is_too_large_is_broken_off():
    with pytest.raises(Broken):
        await reply("fake-long", stream=True, max_answer=200, deadlines=Deadlines())


async def test_nobody_at_the_address_is_unreachable():
    with pytest.raises(Unreachable):
        await reply("any", base_url="http://127.0.0.1:9/v1")


async def test_closing_the_iterator_closes_the_connection():
    body = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
    async with FakeUpstream() as fake, aiohttp.ClientSession() as session:
        upstream = OpenAICompatible(
            session, base_url=fake.url, wires={Endpoint.CHAT: WIRES["chat"]()}, clock=SystemClock()
        )
        stream = upstream.send(request(stream=True, body=body), model("fake-paced"))
        await anext(stream)
        await stream.aclose()
        await fake.wait(lambda: fake.requests[0].state == "disconnected", within=2)


async def test_a_callers_fault_keeps_its_status_and_code():
    with pytest.raises((CallerFault, Denied)) as caught:
        await reply("fault-400")
    assert caught.value.status == 400
