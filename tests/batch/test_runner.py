"""Working through a batch: every line ends once, whatever becomes of the others."""

import asyncio
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from batch.claiming import Meal
from batch.jobs import Batch, Claim, File, Move, Result, State
from batch.runner import Runner
from batch.shelf import FolderShelf
from batch.sqlite import SQLiteStore
from router.types import DOLLAR, Principal
from tests.support.world import FakeClock


@dataclass
class World:
    """A store with one uploaded file of `count` lines, and someone who answers."""

    folder: Path
    count: int = 5
    clock: FakeClock = field(default_factory=FakeClock)
    answered: list[str] = field(default_factory=list)
    room: int = 3

    def __post_init__(self) -> None:
        self.store, self.shelf = SQLiteStore(self.folder), FolderShelf(self.folder / "files")
        rows = [
            {"custom_id": f"c{n}", "url": "/v1/chat/completions", "body": {"model": "m", "messages": [n]}}
            for n in range(self.count)
        ]
        size = self.shelf.write("file-in", [json.dumps(row).encode() for row in rows])
        self.store.add_file(File(id="file-in", purpose="batch", name="in", size=size, created=0))
        self.stop = asyncio.Event()

    def submit(self, **fields) -> None:
        now = int(self.clock.now().timestamp())
        given = {"window": 3600, "created": now, **fields}
        self.store.add_batch(
            Batch(
                id="batch_1",
                principal=Principal(),
                endpoint="/v1/chat/completions",
                input_file="file-in",
                **given,
            )
        )

    async def answer(self, batch: Batch, claim: Claim, raw: bytes) -> Result:
        custom_id = json.loads(raw)["custom_id"]
        self.answered.append(custom_id)
        return Result(status=200, body=b'{"ok":1}', request_id="r", model="m", attempts=1, cost=DOLLAR)

    def fill(self) -> None:
        """Leave no room for another page of the queue's file."""
        pages = self.store._writer.execute("PRAGMA page_count").fetchone()[0]
        self.store._writer.execute(f"PRAGMA max_page_count = {pages}")

    def make_room(self) -> None:
        self.store._writer.execute("PRAGMA max_page_count = 1000000")

    async def run(self, until=State.COMPLETED) -> Batch:
        claims: dict[str, Claim] = {}
        runner = Runner(
            self.store,
            self.shelf,
            self.answer,
            clock=self.clock,
            worker="w",
            meal=lambda: Meal(self.room - len(claims)),
            claims=claims,
        )
        task = asyncio.ensure_future(runner.run(self.stop))
        async with asyncio.timeout(20):
            while not task.done() and self.store.batch("batch_1").state is not until:  # noqa: ASYNC110
                await asyncio.sleep(0)
        self.stop.set()
        await task
        return self.store.batch("batch_1")

    def lines(self, file_id: str | None) -> list[dict]:
        return [json.loads(raw) for raw in self.shelf.path(file_id).read_bytes().splitlines()]


async def test_every_line_is_answered_and_written_in_the_order_of_the_file(tmp_path):
    world = World(tmp_path)
    world.submit()

    batch = await world.run()

    assert [line["custom_id"] for line in world.lines(batch.output_file)] == ["c0", "c1", "c2", "c3", "c4"]
    assert world.lines(batch.output_file)[0]["response"] == {
        "status_code": 200,
        "request_id": "r",
        "body": {"ok": 1},
    }
    assert batch.error_file is None
    assert (batch.counts.completed, batch.counts.spent) == (5, 5 * DOLLAR)
    assert sorted(batch.stamps) == ["completed_at", "finalizing_at", "in_progress_at"]


async def test_a_line_that_breaks_us_is_an_error_of_that_line_alone(tmp_path, caplog):
    world = World(tmp_path)
    world.submit()
    ordinary = world.answer

    async def answer(batch, claim, raw):
        if claim.line.custom_id == "c1":
            raise ZeroDivisionError
        return await ordinary(batch, claim, raw)

    world.answer = answer

    batch = await world.run()

    (broken,) = world.lines(batch.error_file)
    assert (broken["custom_id"], broken["response"]["status_code"]) == ("c1", 500)
    assert batch.counts.completed == 4
    assert "ZeroDivisionError" in caplog.text


async def test_lines_wait_while_the_disk_is_full_and_none_of_them_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("batch.runner.TROUBLE", 0.01)
    world = World(tmp_path)
    world.submit()
    ordinary, full = world.answer, []

    async def answer(batch, claim, raw):
        if not full:
            # As the call is noted that is about to be sent; what is written then waits, too.
            full.append(claim)
            world.fill()
            asyncio.get_running_loop().call_later(0.2, world.make_room)
            await asyncio.to_thread(world.store.sent, [(claim, "small" * 10_000)])
        return await ordinary(batch, claim, raw)

    world.answer = answer

    batch = await world.run()

    assert (batch.counts.completed, batch.counts.failed) == (5, 0)


async def test_what_a_batch_may_cost_ends_it_and_keeps_what_is_done(tmp_path):
    world = World(tmp_path, room=1)
    world.submit(max_cost=2 * DOLLAR)

    batch = await world.run()

    assert len(world.answered) == batch.counts.completed == 2
    assert batch.counts.spent == 2 * DOLLAR
    assert {line["error"]["code"] for line in world.lines(batch.error_file)} == {"batch_cost_limit"}


async def test_a_batch_whose_time_is_over_keeps_what_is_done(tmp_path):
    world = World(tmp_path, room=1)
    world.submit(window=60)
    ordinary = world.answer

    async def answer(batch, claim, raw):
        world.clock.at += 40
        return await ordinary(batch, claim, raw)

    world.answer = answer

    batch = await world.run(State.EXPIRED)

    assert batch.counts.completed == 2
    assert {line["error"]["code"] for line in world.lines(batch.error_file)} == {"batch_expired"}
    assert len(world.lines(batch.output_file)) == 2


async def test_a_cancelled_batch_ends_once_its_running_lines_have(tmp_path):
    world = World(tmp_path, room=2)
    world.submit()
    ordinary = world.answer

    async def answer(batch, claim, raw):
        if not world.answered:
            world.store.move("batch_1", Move(before=(State.IN_PROGRESS,), state=State.CANCELLING, at=1))
        return await ordinary(batch, claim, raw)

    world.answer = answer

    batch = await world.run(State.CANCELLED)

    assert batch.counts.completed == len(world.answered) == 2
    assert len(world.lines(batch.error_file)) == 3


async def test_a_file_that_is_no_batch_fails_it_with_a_reason(tmp_path):
    world = World(tmp_path)
    world.shelf.path("file-in").write_bytes(b"{\n[\n")
    world.submit()

    batch = await world.run(State.FAILED)

    assert batch.problems[0].code == "invalid_json_line"


async def test_lines_under_way_at_a_stop_lapse_at_once_for_whoever_comes_next(tmp_path):
    world = World(tmp_path)
    world.submit()

    async def answer(batch, claim, raw):
        world.stop.set()
        await asyncio.Event().wait()

    world.answer = answer

    await world.run()

    left = world.store.take_over("w2", silent=3600)
    assert len(left) == 3


def without_waits(store):
    """Let lines that are given back be taken at once; return how long each would have waited."""
    waits, ordinary = [], store.give_back

    def give_back(claim, /, *, wait=0.0, **given):
        waits.append(wait)
        ordinary(claim, **given)

    store.give_back = give_back
    return waits


async def test_a_line_whose_upstream_fails_is_tried_again_later_and_the_tries_are_paid(tmp_path):
    world = World(tmp_path, count=2)
    world.submit()
    waits, ordinary = without_waits(world.store), world.answer

    async def answer(batch, claim, raw):
        if claim.line.custom_id == "c1" and claim.tries <= 3:
            return Result(
                status=502, body=b"{}", request_id="r", cost=DOLLAR, again=30.0 if claim.tries == 3 else 0.0
            )
        return await ordinary(batch, claim, raw)

    world.answer = answer

    batch = await world.run()

    assert (batch.counts.completed, batch.counts.spent) == (2, 5 * DOLLAR)
    assert waits == [2.0, 4.0, 30.0]


async def test_a_line_whose_upstream_never_comes_back_fails_in_the_end(tmp_path):
    world = World(tmp_path, count=1)
    world.submit()
    waits = without_waits(world.store)

    async def answer(batch, claim, raw):
        return Result(status=502, body=b"{}", request_id="r", again=0.0)

    world.answer = answer

    batch = await world.run()

    assert batch.counts.failed == 1
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300]


async def test_a_disk_that_takes_nothing_for_a_while_loses_no_answer(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("batch.runner.TROUBLE", 0.0)
    world = World(tmp_path)
    world.submit()
    complete, refused = world.store.complete, []

    def full(ended):
        if len(refused) < 7:
            refused.append(ended)
            raise sqlite3.OperationalError("database or disk is full")
        return complete(ended)

    monkeypatch.setattr(world.store, "complete", full)

    batch = await world.run()

    assert batch.counts.completed == len(world.answered) == 5
    assert "disk is full" in caplog.text


@pytest.mark.parametrize("size", [0, 10])
def test_a_shelf_keeps_whole_files_or_none(tmp_path, size):
    shelf = FolderShelf(tmp_path, largest=100)

    def lines():
        yield b"x" * size
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - which does not matter
        shelf.write("file-1", lines())

    assert list(tmp_path.iterdir()) == []
