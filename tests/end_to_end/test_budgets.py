"""A cap holds to the last request, whoever asks, fails, leaves or is killed; and nothing stays held."""

import asyncio
import itertools
import os
import random
import signal
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
import requests

from tests.support.fake_upstream import FakeUpstream
from tests.support.redis_server import started
from tests.support.server import running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

CLIENTS = 100
ASKED = 500  # 10,000 were asked once, by hand: .github/decisions/0024-reserve-and-settle.md
CAP = 200
KILLS = 3
KEY = "fk-of-the-test-0123456789"

CONFIG = """
auth: keys
keys: [{{name: k, secret: {key}}}, {{name: admin, secret: admin-{key}, role: admin}}]
server: {{workers: {workers}}}
upstreams:
  sim: {{kind: simulated, first_token_ms: 0, tokens_per_second: 1000000000}}
  fake: {{kind: openai, base_url: "{fake}", timeouts: {{total: 0.3}}}}
models:
  - {{name: good, upstream: sim, price: {{input: 1, output: 2}}, max_output: 100}}
  - {{name: fault-hang, upstream: fake, price: {{input: 1, output: 2}}, max_output: 100}}
  - {{name: fault-500, upstream: fake, price: {{input: 1, output: 2}}, max_output: 100}}
budgets:
  - {{name: cap, scope: key, match: [k], requests: {cap}, per: total}}
  - {{name: money, scope: key, match: [k], usd: 1000, per: total}}
budgeting: {{expires_seconds: 2{store}}}
"""

MODELS = ("good",) * 17 + ("fault-500", "fault-hang", "leave")


class Crowd:
    """A hundred clients at once, of whom some ask in vain, some do not wait, and some are cut off."""

    def __init__(self, bases):
        self.bases, self.seen = itertools.cycle(bases), Counter()
        self.timeout = aiohttp.ClientTimeout(total=60)

    async def ask(self, number, models=MODELS):
        connector = aiohttp.TCPConnector(limit=CLIENTS)
        numbers = iter(range(number))
        async with aiohttp.ClientSession(connector=connector, timeout=self.timeout) as self.session:

            async def client():
                for n in numbers:
                    with suppress(aiohttp.ClientError, TimeoutError):
                        await self._one(models[n % len(models)], f"{next(self.bases)}/v1/chat/completions")

            await asyncio.gather(*(client() for _ in range(CLIENTS)))

    async def _one(self, model, url):
        leaves = model == "leave"
        body = {
            "model": "good" if leaves else model,
            "messages": [{"role": "user", "content": "hi"}],
            "stream": leaves,
        }
        async with self.session.post(url, json=body, headers={"Authorization": f"Bearer {KEY}"}) as answer:
            self.seen[answer.status] += 1
            if not leaves:
                await answer.read()


def standing(base):
    """How the cap stands, once nothing is under way."""
    until = time.monotonic() + 15
    while True:
        shown = requests.get(
            f"{base}/v1/farthing/key", headers={"Authorization": f"Bearer {KEY}"}, timeout=10
        ).json()
        told = {row["unit"]: row for row in shown["limits"]}
        if not any(float(row["held"]) for row in told.values()) or time.monotonic() > until:
            return told
        time.sleep(0.2)


@contextmanager
def house(kind, folder, fake):
    """One process, four workers, or two proxies on one Redis: their addresses, and their processes."""
    with ExitStack() as stack:
        store, number, workers = "", 1, {"four workers": 4}.get(kind, 1)
        if kind == "two proxies on redis":
            server = started(folder)
            stack.callback(server.stop)
            store, number = f', store: redis, url: "{server.url}"', 2
        servers = []
        for each in range(number):
            place = folder / f"p{each}"
            place.mkdir()
            config = CONFIG.format(key=KEY, workers=workers, fake=fake, cap=CAP, store=store)
            servers.append(stack.enter_context(running(config, place)))
        yield servers


def workers_of(server):
    """The processes that serve, the drainer aside."""
    told = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return [int(pid) for pid in told.split() if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


KINDS = pytest.mark.parametrize(
    "kind",
    ["one process", "four workers", pytest.param("two proxies on redis", marks=pytest.mark.service)],
)


@KINDS
async def test_of_a_crowd_exactly_as_many_are_served_as_the_cap_allows(kind, tmp_path):
    async with FakeUpstream() as fake:
        with house(kind, tmp_path, fake.url) as servers:
            crowd = Crowd([server.base for server in servers])
            await crowd.ask(ASKED)
            told = await asyncio.to_thread(standing, servers[0].base)
    refused = crowd.seen.pop(429)
    assert sum(crowd.seen.values()) <= CAP
    assert sum(crowd.seen.values()) + refused <= ASKED
    assert (told["requests"]["spent"], told["requests"]["held"]) == (CAP, 0)
    assert told["usd"]["held"] == "0"


@KINDS
async def test_who_is_killed_leaves_nothing_held_and_nobody_gets_more(kind, tmp_path):
    dice = random.Random(7)
    async with FakeUpstream() as fake:
        with house(kind, tmp_path, fake.url) as servers:
            crowd = Crowd([server.base for server in servers])
            killed = 0

            async def kill():
                nonlocal killed
                while killed < KILLS:
                    # By what is answered, not by the clock: a quick machine is through before it strikes.
                    while crowd.seen.total() < (killed + 1) * (CAP - 20) // (KILLS + 1):  # noqa: ASYNC110
                        await asyncio.sleep(0.001)
                    pids = [pid for server in servers for pid in workers_of(server)]
                    with suppress(ProcessLookupError):
                        os.kill(dice.choice(pids), signal.SIGKILL)
                        killed += 1

            killer = asyncio.ensure_future(kill())
            await crowd.ask(CAP - 20, ("good",))
            killer.cancel()
            between = await asyncio.to_thread(standing, servers[0].base)
            await crowd.ask(ASKED, ("good",))
            told = await asyncio.to_thread(standing, servers[0].base)
    assert killed > 0
    assert between["requests"]["held"] == told["requests"]["held"] == 0
    assert told["usd"]["held"] == "0"
    assert told["requests"]["spent"] == CAP
    assert crowd.seen[200] <= CAP
