"""Several machines on one PostgreSQL: what is submitted at one is worked on by all, and read at any."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from openai import AsyncOpenAI, InternalServerError

from router.ledger.drain import drain_once
from router.ledger.store import Ledger, reading
from tests.end_to_end.test_batch import lines, runner_of
from tests.support.fake_answers import Answer
from tests.support.fake_upstream import FakeUpstream
from tests.support.postgres_server import PostgresServer, postgres
from tests.support.server import Server, running

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]

CONFIG = """
upstreams:
  there: {{kind: openai, base_url: "{upstream}", provider: acme}}
models:
  - {{name: small, upstream: there, context_window: 32768, max_output: 100, price: {{input: 1, output: 1}}}}
policies:
  default: {{models: [small], checks: []}}
batch: {{store: "{store}", lease_seconds: 3}}
"""


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture
async def fake() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as fake:
        fake.script("small", Answer(delay=0.2))
        yield fake


class Machines:
    """Two servers that share nothing but a database, and the upstream they call."""

    def __init__(self, folder: Path, store: str, upstream: str) -> None:
        self.folder, self.store = folder, store
        self.config = CONFIG.format(store=store, upstream=upstream)

    def start(self, name: str):
        (self.folder / name).mkdir()
        return running(self.config, self.folder / name)

    def at_work(self) -> int:
        """Count the machines that have lines under way."""
        with psycopg.connect(self.store) as db:
            return db.execute("SELECT count(DISTINCT worker) FROM farthing.lines WHERE state = 1").fetchone()[
                0
            ]

    def rows(self, name: str) -> list[tuple[str, int, str, int]]:
        ledger = Ledger(self.folder / name / "data")
        drain_once(ledger)
        with reading(ledger) as db:
            return db.execute(
                "SELECT request_id, attempt, status, cost FROM ledger WHERE purpose = 'answer'"
            ).fetchall()


def client(server: Server) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=server.url, api_key="unused", max_retries=0)


async def submitted(server: Server, count: int, **metadata: str):
    async with client(server) as there:
        file = await there.files.create(file=("in.jsonl", "\n".join(lines(count)).encode()), purpose="batch")
        return await there.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata=metadata,
        )


async def until(server: Server, batch_id: str, done):
    """Ask again and again, at one server, until a batch is as wanted."""
    async with client(server) as there, asyncio.timeout(100):
        while True:
            with suppress(InternalServerError):  # 503, while the database is away
                if done(batch := await there.batches.retrieve(batch_id)):
                    return batch
            await asyncio.sleep(0.05)


def over(batch) -> bool:
    return batch.status in {"completed", "failed", "expired", "cancelled"}


def go_down(server: Server) -> None:
    """Kill a machine's runner and its supervisor, which is frozen first lest it starts another."""
    server.process.send_signal(signal.SIGSTOP)
    os.kill(runner_of(server.data), signal.SIGKILL)
    server.kill()


async def content(server: Server, file_id: str) -> list[dict]:
    async with client(server) as there:
        return [json.loads(line) for line in (await there.files.content(file_id)).text.splitlines()]


async def test_two_machines_share_a_batch_and_one_finishes_it_when_the_other_goes_down(
    tmp_path, database, fake
):
    machines = Machines(tmp_path, database.database(), fake.url)
    with machines.start("a") as a, machines.start("b") as b:
        batch = await submitted(a, 800)
        both = await until(b, batch.id, lambda _: machines.at_work() == 2)
        more = both.request_counts.completed + 150
        await until(b, batch.id, lambda batch: batch.request_counts.completed >= more)
        go_down(a)
        batch = await until(b, batch.id, over)
        output = await content(b, batch.output_file_id)
        assert batch.error_file_id is None

    assert (batch.status, batch.request_counts.completed) == ("completed", 800)
    assert [line["custom_id"] for line in output] == [f"q{n}" for n in range(800)]
    here, there = machines.rows("a"), machines.rows("b")
    answered = [{row[:2] for row in rows if row[2] == "accepted"} for rows in (here, there)]
    assert all(answered), "both have worked"
    assert not answered[0] & answered[1]
    booked = {row[:2] for row in (*here, *there)}
    assert len(answered[0] | answered[1]) <= len(fake.requests) <= len(booked)
    lost = {row[:2] for row in there if row[2] == "lost"}
    assert lost, "what was under way when its machine went down is booked by the other"
    assert len(booked) - len(fake.requests) <= len(lost)


async def test_a_cap_holds_for_all_machines_together(tmp_path, database, fake):
    machines = Machines(tmp_path, database.database(), fake.url)
    with machines.start("a") as a, machines.start("b") as b:
        batch = await submitted(a, 300, farthing_max_cost_usd="0.003")
        batch = await until(b, batch.id, over)
        errors = await content(a, batch.error_file_id)

    spent = sum(row[3] for name in ("a", "b") for row in machines.rows(name))
    assert all(machines.rows(name) for name in ("a", "b"))
    assert 0.7 * 0.003 <= spent / 10**12 <= 0.003
    assert batch.request_counts.completed == len(fake.requests) < 300
    assert len(errors) == 300 - batch.request_counts.completed


async def test_a_batch_that_is_cancelled_at_one_machine_stops_at_the_other(tmp_path, database, fake):
    machines = Machines(tmp_path, database.database(), fake.url)
    with machines.start("a") as a, machines.start("b") as b:
        batch = await submitted(a, 2000)
        await until(a, batch.id, lambda batch: batch.request_counts.completed >= 20)
        async with client(b) as there:
            await there.batches.cancel(batch.id)
        batch = await until(a, batch.id, over)

    assert batch.status == "cancelled"
    assert batch.request_counts.completed == len(fake.requests) < 2000


async def test_lines_wait_while_the_database_is_away(tmp_path, database, fake):
    machines = Machines(tmp_path, database.database(), fake.url)
    with machines.start("a") as a:
        batch = await submitted(a, 300)
        await until(a, batch.id, lambda batch: batch.request_counts.completed >= 50)
        await asyncio.to_thread(database.again)
        batch = await until(a, batch.id, over)
        output = await content(a, batch.output_file_id)

    assert [line["custom_id"] for line in output] == [f"q{n}" for n in range(300)]
    assert len(fake.requests) == 300
