"""A line is answered by the rules of its key, and waits for a limit rather than fail."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from batch.answering import Answerer
from batch.cap import UNBOUNDED_ANSWER
from batch.jobs import Batch, Line
from batch.spill import Spill
from batch.sqlite import SQLiteStore
from policies.budgets.keeper import Keeper
from policies.budgets.memory import MemoryCounters
from policies.budgets.rules import Ruleset
from policies.labels import labels_of
from policies.language import PolicySpec
from policies.meters import Health
from policies.policy import RoutedPolicy
from router.budget import Budget, BudgetScope, Per
from router.errors import CallerFault, Denied, RateLimited, StoreAway, TimedOut, Unreachable
from router.keys import Key, Ring
from router.pipeline import Pipeline
from router.pricing import charge
from router.tiers import TierDown
from router.types import DOLLAR, NOTHING, Prices, Principal, Role, Scopes
from tests.support.world import Book, FakeClock, Script, features, model

SMALL = model("small")


class World:
    """A house of one model, with one limit, and a line that is answered again and again."""

    def __init__(
        self, folder, *, scopes=None, per=Per.MINUTE, requests=2, replies=(["x"],), small=SMALL, max_cost=None
    ):
        self.clock, self.slept, self.store, self.book = FakeClock(), [], SQLiteStore(folder), Book()
        limit = Budget(name="pace", scope=BudgetScope.KEY, per=per, requests=requests)
        self.pipeline = Pipeline(
            models={"small": small},
            upstreams={"fake": Script({"small": list(replies)})},
            measure=lambda *_: features({"small": 0.9}),
            charge=charge,
            count=len,
            sinks=[self.book],
            clock=self.clock,
            budgets=Keeper(Ruleset([limit]), MemoryCounters(self.clock), clock=self.clock),
        )
        now = int(self.clock.now().timestamp())
        who = Principal(key="k", scopes=scopes or Scopes())
        self.batch = Batch(
            id="b",
            principal=who,
            endpoint="/v1/chat/completions",
            input_file="f",
            window=86_400,
            created=now,
            max_cost=max_cost,
        )
        self.small = small
        self.store.add_batch(self.batch)
        self.store.begin("b", [Line(number=1, custom_id="1", offset=0, length=1)], at=now)
        (self.claim,) = self.store.claim("w", 1)

    ring, tiers = None, NOTHING

    def policy(self, _asked, /):
        spec = PolicySpec(checks=(), on_unpriced="allow")
        return RoutedPolicy("default", spec, (self.small,), health=Health(self.clock), strongest=self.small)

    def labels(self, request, headers, /):
        return labels_of(request, headers, wanted=frozenset({"role"}), named=frozenset())

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.clock.at += seconds

    async def answer(self, **given):
        body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
        answerer = Answerer(lambda: self, self.store, self.clock, self.sleep, **given)
        return await answerer(self.batch, self.claim, orjson.dumps({"body": body}))


async def test_a_line_that_comes_too_early_waits_for_the_next_window(tmp_path):
    world = World(tmp_path)
    assert [(await world.answer()).status for _ in range(5)] == [200] * 5
    assert world.slept == [60.0, 60.0]


async def test_a_line_that_waits_is_not_sent_once_its_batch_has_ended(tmp_path):
    world, spill = World(tmp_path, requests=1), Spill(FakeClock(), {}, lambda: 0)
    await world.answer()
    asleep = asyncio.Event()

    async def sleep(_seconds):
        asleep.set()
        await asyncio.Event().wait()

    world.sleep = sleep
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(world.answer(spill=spill))
        await asleep.wait()
        spill.end("b")
    result = waiting.result()

    assert (result.attempts, result.again) == (0, 0.0), "it goes back, to be given up with the others"
    assert len(world.book.rows) == 1


async def test_it_does_not_wait_for_tomorrow(tmp_path):
    world = World(tmp_path, per=Per.DAY)
    assert [(await world.answer()).status for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    ("failure", "again"),
    [
        (Unreachable(), 0.0),
        (RateLimited(retry_after=7.0), 7.0),
        (CallerFault("no such thing"), None),
        (Denied(), None),
    ],
)
async def test_what_may_be_over_in_a_while_may_be_tried_again(tmp_path, failure, again):
    result = await World(tmp_path, replies=([failure],)).answer()

    assert result.status >= 400
    assert result.again == again


@pytest.mark.parametrize("scopes", [Scopes(lanes=frozenset({"interactive"})), Scopes(policies=frozenset())])
async def test_a_line_keeps_within_the_scopes_of_its_key(tmp_path, scopes):
    assert (await World(tmp_path, scopes=scopes).answer()).status == 403


async def test_what_the_headers_of_a_request_said_counts_when_it_is_answered_later(tmp_path):
    world = World(tmp_path)
    world.batch = replace(world.batch, labels={"header:x-data": "secret", "role": "subagent"})
    await world.answer()

    assert world.book.rows[0].labels == {"header:x-data": "secret", "role": "subagent"}


@pytest.mark.parametrize(
    ("now", "status"),
    [
        ({}, 200),
        ({"revoked": datetime(2026, 11, 22, tzinfo=UTC)}, 401),
        ({"expires": datetime(2026, 11, 23, tzinfo=UTC)}, 401),
        ({"name": "another"}, 401),
        ({"role": Role.AUDITOR}, 403),
        ({"scopes": Scopes(lanes=frozenset({"interactive"}))}, 403),
    ],
)
async def test_a_key_is_asked_for_what_it_may_do_now(tmp_path, now, status):
    world = World(tmp_path)
    world.ring = Ring([Key(**{"name": "k", "digest": "d", **now})])

    assert (await world.answer()).status == status


async def test_what_broke_off_counts_against_a_cap_as_the_most_it_can_have_cost(tmp_path):
    broken = ["half of it", TimedOut()]
    free = await World(tmp_path / "free", replies=(broken,)).answer()
    capped = await World(tmp_path / "capped", replies=(broken,), max_cost=DOLLAR).answer()

    assert free.cost < 10 * 10**6 * 10
    assert capped.cost == (10 * 3 // 2 + 64 + UNBOUNDED_ANSWER) * 10**6, "what was held for it"
    assert (capped.status, capped.again) == (504, 0.0)


async def test_an_answer_that_was_paid_is_kept_while_the_store_is_away(tmp_path, monkeypatch):
    def away(*_, **__):
        raise StoreAway

    world = World(tmp_path, max_cost=DOLLAR)
    monkeypatch.setattr(world.store, "settle", away)
    assert (await world.answer()).status == 200

    monkeypatch.setattr(world.store, "reserve", away)
    with pytest.raises(StoreAway):
        await world.answer()
    assert len(world.book.rows) == 1


async def test_a_cap_does_not_bear_a_model_whose_price_nobody_knows(tmp_path):
    unpriced = replace(SMALL, prices=None)

    assert (await World(tmp_path / "free", small=unpriced).answer()).status == 200
    assert (await World(tmp_path / "capped", small=unpriced, max_cost=DOLLAR).answer()).status == 402


async def test_a_cheaper_policy_answers_lines_that_the_batch_could_not_pay_otherwise(tmp_path):
    world = World(tmp_path, max_cost=DOLLAR // 10)
    cheap = world.policy("auto:cheap")
    cheap.name, world.small = "cheap", replace(SMALL, prices=Prices(input=1, output=DOLLAR // 1000))
    assert (await world.answer()).status == 402

    dear = world.policy("auto")
    world.policy = lambda _asked: dear
    world.tiers = {"default": TierDown(above=dear, at=1.0, policy=cheap)}

    assert ((await world.answer()).status, world.book.rows[-1].policy) == (200, "cheap")
    assert world.book.rows[-1].reason.startswith("tier-down from default")


async def test_a_line_is_not_over_before_nobody_looks_at_its_answer_any_more(tmp_path):
    world, asked, over = World(tmp_path), asyncio.Queue(), asyncio.Event()

    async def audited(request_id):
        asked.put_nowait(request_id)
        await over.wait()

    line = asyncio.ensure_future(world.answer(audited=audited))
    assert await asked.get() == "b-1-1"
    assert not line.done()
    over.set()

    assert (await line).status == 200


async def test_whoever_stops_during_an_audit_keeps_the_answer_that_is_paid_for(tmp_path):
    world, asked = World(tmp_path), asyncio.Event()

    async def audited(_request_id):
        asked.set()
        await asyncio.Event().wait()

    line = asyncio.ensure_future(world.answer(audited=audited))
    await asked.wait()
    line.cancel()

    assert (await line).status == 200
