"""Who waits for an answer goes at once; who can wait does, until there is room or its time has come."""

import asyncio

import pytest

from batch.gate import Terms
from batch.lanes import Lanes
from batch.pool import Pool, PoolSpec
from router.clock import SystemClock
from router.types import Lane
from tests.support.world import FakeClock, Script, items_of, model, request


def lanes(tmp_path, *, patience: float = 60.0, **terms) -> tuple[Lanes, Pool]:
    # The time that files have, by which other processes tell that somebody waits.
    clock = FakeClock(at=(SystemClock().now() - FakeClock().now()).total_seconds())
    spec = PoolSpec(terms=Terms(**terms), metrics="http://127.0.0.1:1/metrics")
    pool = Pool({"fake": spec}, tmp_path, clock)
    return Lanes(pool, clock, patience=patience), pool


async def ask(upstream, lane: Lane) -> int:
    return len(await items_of(upstream.send(request(lane=lane), model("small"))))


async def test_an_upstream_without_an_engine_of_ones_own_has_one_way_in(tmp_path):
    script = Script({"small": [["hi"]]})

    assert lanes(tmp_path)[0].admit("elsewhere", script) is script


async def test_an_interactive_call_makes_those_that_can_wait_wait(tmp_path):
    ways, pool = lanes(tmp_path, beside_interactive=0)
    upstream = ways.admit("fake", Script({"small": [["hi"]]}))

    assert await ask(upstream, Lane.INTERACTIVE) == 3
    waiting = asyncio.ensure_future(ask(upstream, Lane.BACKGROUND))
    await asyncio.sleep(0)

    assert pool.gates["fake"].room() == 0
    assert not waiting.done()
    waiting.cancel()


async def test_a_long_stream_is_waited_for_to_its_end(tmp_path):
    clock, noted = FakeClock(), []
    pool = Pool({"fake": PoolSpec(terms=Terms(), metrics="http://127.0.0.1:1/metrics")}, tmp_path, clock)
    pool.note_interactive = noted.append

    async def later() -> None:
        clock.at += 30

    script = Script({"small": [["a", later, "b", "c", later, "d"]]})
    await ask(Lanes(pool, clock, patience=60.0).admit("fake", script), Lane.INTERACTIVE)

    assert noted == ["fake"] * 3


async def test_a_background_call_goes_when_there_is_room(tmp_path):
    upstream = lanes(tmp_path)[0].admit("fake", Script({"small": [["hi"]]}))

    assert await ask(upstream, Lane.BACKGROUND) == 3


@pytest.mark.parametrize("lane", [Lane.BACKGROUND, Lane.BATCH])
async def test_at_its_deadline_it_goes_in_any_case(tmp_path, lane):
    upstream = lanes(tmp_path, patience=0.01, most=1, beside_interactive=0)[0].admit(
        "fake", Script({"small": [["hi"]]})
    )
    await ask(upstream, Lane.INTERACTIVE)

    assert await ask(upstream, lane) == 3
