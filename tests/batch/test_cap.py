"""What a batch may cost holds, however many of its lines are under way at once, and wherever."""

import asyncio
import random
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch.cap import Cap, Caps
from batch.jobs import Batch, Line, new_id
from batch.sqlite import SQLiteStore
from router.errors import OverBudget
from router.types import Principal


class World:
    """A batch with a cap, worked on by two processes."""

    def __init__(self, folder: Path, limit: int, lines: int, spent: int = 0) -> None:
        self.store, batch_id = SQLiteStore(folder), new_id("batch_")
        self.batch = Batch(
            id=batch_id,
            principal=Principal(),
            endpoint="/v1/chat/completions",
            input_file="f",
            window=60,
            created=0,
            max_cost=limit,
        )
        self.store.add_batch(self.batch)
        rows = [Line(number=n, custom_id=f"c{n}", offset=0, length=1, place=n) for n in range(lines + 1)]
        self.store.begin(batch_id, rows, at=0)
        first, *self.claims = self.store.claim("w", lines + 1)
        self.store.settle(first, 0, spent)
        self.processes = Caps(self.store), Caps(self.store)
        self.most_seen = 0

    @property
    def spent(self) -> int:
        return self.store.batch(self.batch.id).counts.spent

    async def spend(self, number: int, most: int, cost: int) -> str:
        cap = self.processes[number % 2].of(self.batch, self.claims[number])
        try:
            await cap.reserve(most)
        except OverBudget:
            return "refused"
        await asyncio.sleep(0)
        cap.settle(most, cost)
        await cap.booked()
        return "done"

    async def checked(self, number: int, answer: int, checks: list[int], process: int = 0) -> str:
        """Give an answer, and have it checked before it is paid, as the pipeline does; each costs a tenth."""
        cap = self.processes[process].of(self.batch, self.claims[number])
        try:
            await cap.reserve(answer)
        except OverBudget:
            return "refused"
        await asyncio.sleep(0)
        asked = await asyncio.gather(*(self._check(cap, most) for most in checks))
        cap.settle(answer, answer // 10)
        await cap.booked()
        return "checked" if all(asked) else "unchecked"

    async def _check(self, cap: Cap, most: int) -> bool:
        try:
            await cap.reserve(most)
        except OverBudget:
            return False
        await asyncio.sleep(0)
        cap.settle(most, most // 10)
        return True


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), max_size=12), st.integers(0, 300))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_it_is_never_passed_and_nothing_stays_held(tmp_path, calls, limit):
    world = World(tmp_path, limit, len(calls))

    ends = await asyncio.gather(
        *(world.spend(n, most, int(most * share)) for n, (most, share) in enumerate(calls))
    )

    assert world.spent <= limit
    assert world.spent == sum(
        int(most * share) for (most, share), end in zip(calls, ends, strict=True) if end == "done"
    )


async def test_a_call_waits_for_others_to_cost_less_than_they_might_have(tmp_path):
    world = World(tmp_path, 100, 10)

    ends = await asyncio.gather(*(world.spend(n, 90, random.randint(1, 5)) for n in range(10)))

    assert Counter(ends)["done"] >= 2
    assert world.spent <= 100


@given(
    st.lists(st.tuples(st.integers(10, 90), st.lists(st.integers(10, 90), max_size=3)), max_size=8),
    st.integers(50, 300),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_lines_whose_answers_are_checked_never_wait_for_each_other(tmp_path, lines, limit):
    world = World(tmp_path, limit, len(lines))

    async with asyncio.timeout(60):
        await asyncio.gather(*(world.checked(n, *line) for n, line in enumerate(lines)))

    assert world.spent <= limit


async def test_a_check_that_fits_beside_no_answer_is_left_out_and_the_others_are_made(tmp_path):
    world = World(tmp_path, 200, 6)

    async with asyncio.timeout(60):
        alone = await world.checked(0, 180, [30])
        ends = await asyncio.gather(*(world.checked(n, 60, [30]) for n in range(1, 6)))

    assert alone == "unchecked"
    assert Counter(ends)["checked"] >= 2


async def test_what_is_held_for_a_line_that_was_called_back_meanwhile_is_not_in_its_way(tmp_path):
    world, entered, go_on = World(tmp_path, 100, 1), threading.Event(), threading.Event()
    cap, reserve = world.processes[0].of(world.batch, world.claims[0]), world.store.reserve

    def slow(*args, **kwargs):
        entered.set()
        go_on.wait(60)
        return reserve(*args, **kwargs)

    world.store.reserve = slow
    async with asyncio.TaskGroup() as group, asyncio.timeout(60):
        called_back = group.create_task(cap.reserve(80))
        await asyncio.to_thread(entered.wait, 60)
        called_back.cancel()
        go_on.set()

    async with asyncio.timeout(60):
        await cap.reserve(80)
    assert called_back.cancelled()


async def test_what_could_never_fit_is_refused_at_once(tmp_path):
    world = World(tmp_path, 10, 1, spent=5)

    assert await world.spend(0, 6, 1) == "refused"


async def test_a_batch_without_a_cap_asks_nobody(tmp_path):
    world = World(tmp_path, 10, 1)

    assert world.processes[0].of(replace(world.batch, max_cost=None), world.claims[0]) is None
