"""Who looks at engines: only at those in use, and less often at those that are fed."""

import asyncio
import logging

from aiohttp import web

from batch import lookout
from batch.gate import FIRST, Gate, Terms
from batch.lookout import Lookout
from tests.support.world import FakeClock

SAYS = "vllm:num_requests_running {}\nvllm:num_requests_waiting {}\n"


class Vllm:
    """A server of `/metrics` that says what it is told to; `asked` holds the moments it was asked."""

    def __init__(self) -> None:
        self.says: str | None = SAYS.format(0, 0)
        self.asked: list[float] = []

    async def metrics(self, _: web.Request) -> web.Response:
        self.asked.append(asyncio.get_running_loop().time())
        return web.Response(text=self.says) if self.says is not None else web.Response(status=500)


async def looked(aiohttp_server, vllm: Vllm, gate: Gate, times: int) -> None:
    """Look until the engine was asked so often."""
    app = web.Application()
    app.router.add_get("/metrics", vllm.metrics)
    server = await aiohttp_server(app)
    enough = asyncio.Event()

    def woken() -> None:
        if len(vllm.asked) >= times:
            enough.set()

    task = asyncio.ensure_future(
        Lookout({"own": gate}, {"own": str(server.make_url("/metrics"))}, woken).run()
    )
    async with asyncio.timeout(20):
        await enough.wait()
    task.cancel()


async def test_what_the_engine_says_reaches_its_gate(aiohttp_server):
    vllm, gate = Vllm(), Gate(Terms(), FakeClock())
    vllm.says = SAYS.format(40, 3)
    for _ in range(43):
        gate.begun()

    await looked(aiohttp_server, vllm, gate, 1)

    assert gate.room() == 80


async def test_a_fed_engine_is_asked_less_often(aiohttp_server, monkeypatch):
    monkeypatch.setattr(lookout, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(lookout, "SELDOM", 0.2)
    hungry, fed, gate = Vllm(), Vllm(), Gate(Terms(), FakeClock())
    gate.begun()
    fed.says = SAYS.format(1, 5)

    await looked(aiohttp_server, hungry, gate, 3)
    await looked(aiohttp_server, fed, gate, 3)

    assert fed.asked[2] - fed.asked[1] >= 0.2


async def test_an_engine_that_says_nothing_is_ours_and_that_is_said_once(aiohttp_server, monkeypatch, caplog):
    monkeypatch.setattr(lookout, "LOOK_EVERY", 0.01)
    vllm, gate = Vllm(), Gate(Terms(most=64), FakeClock())
    vllm.says = None
    assert gate.room() == 64

    with caplog.at_level(logging.WARNING):
        await looked(aiohttp_server, vllm, gate, 3)

    assert not gate.steers
    assert gate.room() == 64 != FIRST
    assert caplog.text.count("says nothing of its load") == 1
