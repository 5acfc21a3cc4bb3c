"""Many at once: callers who leave, upstreams that hang, counts that are missing or absurd."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector

from tests.support.fake_upstream import FakeUpstream
from tests.support.ledger import rows
from tests.support.server import Server, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

CROWD = 100

CONFIG = """
server: {{shutdown_seconds: 3}}
upstreams:
  fake: {{kind: openai, base_url: "{url}", timeouts: {{first_token: 1, idle: 5, total: 30}}}}
  patient: {{kind: openai, base_url: "{url}"}}
models:
  - {{name: good, upstream: fake, price: {{input: 1, output: 2}}, max_output: 4096}}
  - {{name: hanging, upstream: fake, upstream_name: fault-hang, price: {{input: 1, output: 2}}}}
  - {{name: endless, upstream: patient, upstream_name: fault-hang, price: {{input: 1, output: 2}}}}
  - {{name: paced, upstream: fake, upstream_name: fake-paced, price: {{input: 1, output: 2}}, max_output: 99}}
  - {{name: none, upstream: fake, upstream_name: fake-usage-none, price: {{input: 1, output: 2}}}}
  - {{name: double, upstream: fake, upstream_name: fake-usage-double, price: {{input: 1, output: 2}}}}
  - {{name: absurd, upstream: fake, upstream_name: fake-usage-absurd, price: {{input: 1, output: 2}}}}
policies:
  default: {{strategy: cascade, models: [hanging, good]}}
"""


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[tuple[Server, FakeUpstream, ClientSession]]:
    async with FakeUpstream() as fake, ClientSession(connector=TCPConnector(limit=0)) as session:
        with running(CONFIG.format(url=fake.url), folder) as server:
            yield server, fake, session
            await asyncio.to_thread(server.stop)
            assert "Traceback" not in server.log


def asking(model: str, *, stream: bool = False) -> dict[str, Any]:
    return {"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hello there"}]}


async def test_a_hundred_callers_who_leave_end_a_hundred_generations(tmp_path: Path) -> None:
    async with house(tmp_path) as (server, fake, session):
        address = f"{server.url}/chat/completions"
        calls = [session.post(address, json=asking("paced", stream=True)) for _ in range(CROWD)]
        answers = await asyncio.gather(*calls)
        for answer in answers:
            await answer.content.readany()
        for answer in answers:
            answer.close()
        left = await fake.wait(lambda: {one.state for one in fake.requests} == {"disconnected"}, within=2)
        assert left

    written = rows(server.data)
    assert [row["status"] for row in written] == ["cancelled"] * CROWD
    assert all(0 < row["cost"] <= row["cost_bound"] for row in written)
    assert {row["cost_grade"] for row in written} == {"estimated"}


async def test_a_hundred_hung_requests_do_not_hold_up_the_others(tmp_path: Path) -> None:
    async with house(tmp_path) as (server, fake, session):
        address = f"{server.url}/chat/completions"
        async with asyncio.TaskGroup() as group:
            hung = [group.create_task(session.post(address, json=asking("endless"))) for _ in range(CROWD)]
            assert await fake.wait(lambda: len(fake.of("fault-hang")) == CROWD)
            async with asyncio.timeout(5):
                for _ in range(20):
                    async with session.post(address, json=asking("good")) as answer:
                        assert answer.status == 200
            for task in hung:
                task.cancel()


async def test_a_model_that_hangs_is_soon_left_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as (server, fake, session):
        for _ in range(8):
            assert '"model":"good"' in await told(server, session, "auto", stream=True)

        assert len(fake.of("fault-hang")) == 5
        assert len(fake.of("good")) == 8


async def test_counts_that_are_missing_or_absurd_are_estimated(tmp_path: Path) -> None:
    grades = {"none": "estimated", "double": "reported", "absurd": "estimated"}
    async with house(tmp_path) as (server, _, session):
        for model, stream in product(grades, (False, True)):
            assert "answers" in await told(server, session, model, stream=stream)

    for row in rows(server.data):
        assert row["usage_grade"] == grades[row["model"]], row["model"]
        assert 0 < row["output_tokens"] < 50
        assert row["cost"] == row["input_tokens"] * 1_000_000 + row["output_tokens"] * 2_000_000


async def test_a_body_that_is_not_what_it_says_is_the_callers_fault(tmp_path: Path) -> None:
    async with house(tmp_path) as (server, _, session):
        address, packed = f"{server.url}/chat/completions", {"Content-Encoding": "gzip"}
        async with session.post(address, data=b"no gzip at all", headers=packed) as answer:
            assert answer.status in {400, 415}
            assert (await answer.json())["error"]["type"] == "invalid_request_error"


async def told(server: Server, session: ClientSession, model: str, *, stream: bool) -> str:
    async with session.post(f"{server.url}/chat/completions", json=asking(model, stream=stream)) as answer:
        assert answer.status == 200
        return await answer.text()
