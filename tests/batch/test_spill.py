"""Lines leave an engine that will be late, if their policy lets them, and never otherwise."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from batch.admission import Admitted, Paces
from batch.answering import Answerer
from batch.claiming import Claiming
from batch.gate import Gate, Terms
from batch.jobs import Batch, Claim, Counts, File, State
from batch.runner import Runner
from batch.shelf import FolderShelf
from batch.spill import Spill
from batch.sqlite import SQLiteStore
from policies.language import PolicySpec
from policies.meters import Health
from policies.policy import RoutedPolicy
from router.config.pools import window_of
from router.errors import UnknownModel
from router.pipeline import Pipeline
from router.types import (
    DOLLAR,
    NOTHING,
    Attempt,
    Charge,
    Decision,
    Delta,
    Ending,
    Fact,
    Grade,
    Outcome,
    Principal,
    Status,
    Usage,
)
from tests.support.world import Book, FakeClock, features, flat_charge, model, request

OURS = model("ours", upstream="pool", facts={"local": Fact(value=True)})
PAID = model("paid", upstream="provider", price=9)


@dataclass
class Engine:
    """Answers one call after another, each in so many seconds of the clock; for ever, if that is `None`."""

    clock: FakeClock
    seconds: float | None

    async def send(self, request, model, /):
        if self.seconds is None:
            await asyncio.Event().wait()
        else:
            until = self.clock.at + self.seconds
            while self.clock.at < until:  # noqa: ASYNC110 - the clock is the test's
                await asyncio.sleep(0)
        yield (Delta(text="4", finish_reason="stop", served_model=model.upstream_name),)
        yield Ending(usage=Usage(input=10, output=5), served_model=model.upstream_name)

    async def close(self): ...


@dataclass
class World:
    """A batch of `count` lines and a minute, an engine that takes one call at a time, and a provider."""

    folder: Path
    count: int = 60
    spill: str = "allow"
    prefer: bool = True
    seconds: float = 2.0
    windows: tuple[str, ...] = ()
    ready: bool = True
    max_cost: int | None = None
    clock: FakeClock = field(default_factory=FakeClock)
    book: Book = field(default_factory=Book)

    def __post_init__(self):
        self.store, self.shelf = SQLiteStore(self.folder), FolderShelf(self.folder / "files")
        body = {"model": "auto", "messages": [{"role": "user", "content": "2 + 2?"}], "max_tokens": 10}
        rows = [
            {"custom_id": f"c{n}", "url": "/v1/chat/completions", "body": body} for n in range(self.count)
        ]
        size = self.shelf.write("file-in", [json.dumps(row).encode() for row in rows])
        self.store.add_file(File(id="file-in", purpose="batch", name="in", size=size, created=0))
        self.store.add_batch(
            Batch(
                id="batch_1", principal=Principal(), endpoint="/v1/chat/completions", input_file="file-in",
                window=60, created=int(self.clock.now().timestamp()), max_cost=self.max_cost,
            )
        )  # fmt: skip
        windows = tuple(map(window_of, self.windows))
        self.gate = Gate(Terms(most=1, windows=windows), self.clock, ready=lambda: self.ready)
        self.paces = Paces({"pool": self.gate}, self.clock)
        self.spilling = Spill(self.clock, {"pool": windows}, lambda: self.gate.busy)
        engines = {"pool": Engine(self.clock, self.seconds), "provider": Engine(self.clock, 0.5)}
        gates = {"pool": self.gate}
        self.pipeline = Pipeline(
            models={"ours": OURS, "paid": PAID},
            upstreams={
                name: Admitted(engine, self.paces, self.sent, gates.get(name))
                for name, engine in engines.items()
            },
            measure=lambda *_: features({"ours": 0.8, "paid": 0.9}),
            charge=flat_charge,
            count=len,
            sinks=[self.book],
            clock=self.clock,
        )

    async def sent(self, request_id, _model):
        self.spilling.sent(request_id)
        self.claiming.sent(request_id)

    ring, tiers = None, NOTHING

    def policy(self, asked, /):
        if asked != "auto":
            raise UnknownModel
        where = {"prefer": {"local": True}} if self.prefer else {}
        spec = PolicySpec(checks=(), quality=0.5, spill=self.spill, **where)
        return RoutedPolicy("default", spec, (OURS, PAID), health=Health(self.clock), strongest=PAID)

    def labels(self, _request, _headers, /):
        return {}

    async def run(self):
        """Work until the batch is over, half a second of the clock a look."""
        stop = asyncio.Event()
        claims: dict[str, Claim] = {}
        self.claiming = Claiming(claims, self.paces.places, self.spilling.look)
        runner = Runner(
            self.store,
            self.shelf,
            Answerer(lambda: self, self.store, self.clock, spill=self.spilling),
            clock=self.clock,
            worker="w",
            meal=self.claiming.meal,
            claims=claims,
            ending=self.spilling.end,
        )
        task = asyncio.ensure_future(runner.run(stop))
        try:
            async with asyncio.timeout(60):
                while not self.store.batch("batch_1").state.over:
                    assert not task.done(), await task
                    await asyncio.sleep(0.01)
                    self.clock.at += 0.5
                    self.paces.wake()
        finally:
            stop.set()
            await task
        return self.store.batch("batch_1")

    def output(self, batch):
        file = self.shelf.path(batch.output_file)
        return [json.loads(raw)["response"]["body"]["farthing"] for raw in file.read_bytes().splitlines()]


async def test_what_the_engine_cannot_do_in_time_goes_to_the_provider_and_says_so(tmp_path):
    world = World(tmp_path)
    batch = await world.run()

    told = world.output(batch)
    spilled = [note for note in told if note.get("spilled")]
    assert (batch.state, batch.counts.completed) == (State.COMPLETED, 60)
    assert {note["model"] for note in spilled} == {"paid"}
    assert all(note["reason"].startswith("spilled: the preferred models would be late") for note in spilled)
    ours = [note for note in told if note["model"] == "ours"]
    assert len(ours) + len(spilled) == 60
    # It has time for thirty; on a busy machine the clock of the test outruns the threads that write.
    assert len(ours) >= 5
    assert len({row.request_id for row in world.book.rows}) == len(world.book.rows) == 60, (
        "nothing is booked twice"
    )


async def test_where_the_policy_refuses_the_batch_expires_with_what_is_done(tmp_path):
    world = World(tmp_path, spill="refuse")
    batch = await world.run()

    assert batch.state is State.EXPIRED
    assert {row.model for row in world.book.rows} == {"ours"}
    assert 0 < batch.counts.completed < 60
    assert batch.counts.left == 0
    assert batch.counts.completed + batch.counts.failed + batch.counts.dropped == 60


async def test_an_engine_in_time_keeps_all_of_its_lines(tmp_path):
    world = World(tmp_path, seconds=0.5, count=20)
    batch = await world.run()
    assert {note["model"] for note in world.output(batch)} == {"ours"}


async def test_an_engine_that_is_closed_until_the_deadline_gets_none(tmp_path):
    world = World(tmp_path, windows=("12:00-13:00",), count=20)
    batch = await world.run()
    assert (batch.state, {note["model"] for note in world.output(batch)}) == (State.COMPLETED, {"paid"})


async def test_an_engine_that_does_not_start_keeps_none(tmp_path):
    world = World(tmp_path, ready=False, count=20)
    batch = await world.run()
    assert (batch.state, {note["model"] for note in world.output(batch)}) == (State.COMPLETED, {"paid"})


async def test_lines_that_wait_for_an_engine_which_never_answers_are_called_back(tmp_path):
    world = World(tmp_path, seconds=None, count=20)
    batch = await asyncio.wait_for(until_left(world, 1), 30)
    assert batch.counts.completed == 19, "one is at the engine, and nobody knows when it ends"


async def until_left(world, left):
    running = asyncio.ensure_future(world.run())
    while (batch := world.store.batch("batch_1")).counts.left != left or not batch.counts.total:
        assert not running.done(), await running
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return batch


async def test_the_cap_holds_for_what_spills(tmp_path):
    world = World(tmp_path, max_cost=DOLLAR // 1000)
    batch = await world.run()
    assert batch.counts.spent <= DOLLAR // 1000
    assert batch.counts.completed < 60


@pytest.mark.parametrize(("others", "late"), [(0, True), (2, False)])
async def test_of_a_batch_that_others_work_on_too_only_our_share_has_to_be_done(others, late):
    """Ten lines in ten seconds, and fifty seconds to go: too many are left for one, and not for three."""
    clock = FakeClock()
    spilling = Spill(clock, {"pool": ()}, lambda: 1)

    def batch(done):
        counts = Counts(total=110, completed=done * (1 + others))
        return Batch(
            id="b", principal=Principal(), endpoint="/v1/chat/completions", input_file="f", window=60,
            created=int(FakeClock().now().timestamp()), counts=counts,
        )  # fmt: skip

    async def answer(_spilled):
        clock.at += 1.0
        attempt = Attempt(
            number=1, decision=Decision(model=OURS, reason=""), status=Status.ACCEPTED, started=clock.now(),
            duration_ms=1.0, usage=Usage(), charge=Charge(amount=0, bound=0, grade=Grade.COMPUTED),
        )  # fmt: skip
        return Outcome(
            request=request(), features=features({}), policy="", config="", refused={}, attempts=(attempt,)
        )

    for done in range(10):
        await spilling.run(batch(done), f"r{done}", answer)
    waiting = [
        asyncio.ensure_future(spilling.run(batch(10), f"w{n}", lambda _: asyncio.sleep(9))) for n in "ab"
    ]
    await asyncio.sleep(0)
    told = []

    async def hears(spilled):
        told.append(spilled)
        return await answer(spilled)

    await spilling.run(batch(10), "last", hears)
    assert told == [late]
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
