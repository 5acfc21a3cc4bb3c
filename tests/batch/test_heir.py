"""Whoever takes over books what was under way once, and no line is lost or tried for ever."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import orjson

from batch.answering import Answerer
from batch.heir import MOST_DEATHS, Heir
from batch.jobs import Batch, Line
from batch.shelf import FolderShelf
from batch.sqlite import SQLiteStore
from policies.language import PolicySpec
from policies.meters import Health
from policies.policy import RoutedPolicy
from router.errors import FarthingError
from router.pipeline import Pipeline
from router.types import NOTHING, Principal
from tests.support.world import Book, FakeClock, Script, features, flat_charge, model

SMALL, LARGE = model("small"), model("large", price=10)


class Row(NamedTuple):
    """An attempt that is booked."""

    cost: int | None
    final: bool = False


@dataclass
class World:
    """A store with one line that somebody died over, and the books so far."""

    folder: Path
    booked: dict = field(default_factory=dict)

    def __post_init__(self):
        self.store, self.shelf, self.book = (
            SQLiteStore(self.folder),
            FolderShelf(self.folder / "files"),
            Book(),
        )
        self.clock = FakeClock()
        body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 50}
        raw = orjson.dumps({"custom_id": "c", "body": body})
        self.shelf.write("f", [raw])
        self.store.add_batch(
            Batch(
                id="b",
                principal=Principal(),
                endpoint="/v1/chat/completions",
                input_file="f",
                window=86_400,
                created=0,
            )
        )
        self.store.begin("b", [Line(number=1, custom_id="c", offset=0, length=len(raw))], at=0)
        self.pipeline = Pipeline(
            models={"small": SMALL, "large": LARGE},
            upstreams={"fake": Script({})},
            measure=lambda *_: features({"small": 0.9, "large": 0.9}),
            charge=flat_charge,
            count=len,
            sinks=[self.book],
            clock=self.clock,
        )

    ring, tiers = None, NOTHING

    def policy(self, _asked, /):
        spec = PolicySpec(checks=())
        return RoutedPolicy("default", spec, (SMALL, LARGE), health=Health(self.clock), strongest=LARGE)

    def killed(self, *models):
        (claim,) = self.store.claim("dead", 1)
        self.store.sent([(claim, name) for name in models])

    async def taken_over(self):
        heir = Heir(self.store, self.shelf, Answerer(lambda: self, self.store, self.clock), self.look)
        await heir.settle(self.store.take_over("heir"))

    def look(self, ids):
        return {one: self.booked[one] for one in ids if one in self.booked}

    @property
    def rows(self):
        return [(row.request_id, row.attempt, row.model, row.status, row.final) for row in self.book.rows]


async def test_every_call_that_nobody_booked_is_booked_as_lost(tmp_path):
    world = World(tmp_path)
    world.killed("small", "large")

    await world.taken_over()

    assert world.rows == [("b-1-1", 1, "small", "lost", False), ("b-1-1", 2, "large", "lost", True)]
    assert [claim.tries for claim in world.store.claim("w", 1)] == [2]


async def test_what_the_dead_process_booked_is_not_booked_again_but_counts_for_the_batch(tmp_path):
    world = World(tmp_path, booked={"b-1-1": [Row(3), Row(None), Row(4, final=True)]})
    world.killed("small", "small", "large")

    await world.taken_over()

    assert world.rows == []
    assert world.store.batch("b").counts.spent == 7


async def test_of_books_that_were_torn_only_the_rest_is_booked(tmp_path):
    world = World(tmp_path, booked={"b-1-1": [Row(3)]})
    world.killed("small", "large")

    await world.taken_over()

    assert world.rows == [("b-1-1", 2, "large", "lost", True)]


async def test_a_call_that_is_lost_after_the_answer_was_booked_is_an_audit_beside_it(tmp_path):
    world = World(tmp_path, booked={"b-1-1": [Row(3, final=True)]})
    world.killed("small", "large")

    await world.taken_over()

    assert world.rows == [("b-1-1", 2, "large", "lost", False)]
    assert [row.purpose for row in world.book.rows] == ["audit"]


async def test_books_that_cannot_be_looked_at_are_rather_written_twice(tmp_path, caplog):
    world = World(tmp_path)
    world.killed("small")

    def look(_ids):
        raise FarthingError("The ledger is broken.")

    world.look = look

    await world.taken_over()

    assert len(world.rows) == 1
    assert "The ledger is broken." in caplog.text


async def test_a_line_that_nobody_was_asked_about_simply_waits_again(tmp_path):
    world = World(tmp_path)
    for _ in range(MOST_DEATHS + 2):
        world.killed()
        await world.taken_over()

    assert world.rows == []
    assert world.store.batch("b").counts.left == 1


async def test_a_line_whose_process_dies_again_and_again_is_given_up(tmp_path):
    world = World(tmp_path)
    for _ in range(MOST_DEATHS):
        world.killed("small")
        await world.taken_over()

    ((_, result),) = world.store.results("b", good=False)
    assert result.status == 500
    assert b"died 10 times" in result.body
    assert len(world.rows) == MOST_DEATHS


async def test_an_input_file_that_is_gone_stops_nobody(tmp_path, caplog):
    world = World(tmp_path)
    world.killed("small")
    world.shelf.drop("f")

    await world.taken_over()

    assert world.store.batch("b").counts.left == 1
    assert "cannot be booked" in caplog.text
