"""What a batch may cost holds, however many of its lines are under way at once."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.cap import Cap
from router.errors import OverBudget


async def spend(cap: Cap, most: int, cost: int) -> bool:
    try:
        await cap.reserve(most)
    except OverBudget:
        return False
    await asyncio.sleep(0)
    cap.settle(most, cost)
    await cap.wake()
    return True


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), max_size=40), st.integers(0, 300))
async def test_it_is_never_passed_and_nothing_stays_held(calls, limit):
    cap = Cap(limit, spent=0)
    seen = []

    async def one(most, share):
        done = await spend(cap, most, int(most * share))
        seen.append(cap.spent + cap.held)
        return done

    await asyncio.gather(*(one(most, share) for most, share in calls))

    assert cap.held == 0
    assert cap.spent <= limit
    assert all(amount <= limit for amount in seen)


async def test_a_call_waits_for_others_to_cost_less_than_they_might_have():
    cap = Cap(100, spent=0)

    done = await asyncio.gather(*(spend(cap, 90, random.randint(1, 5)) for _ in range(10)))

    assert done.count(True) >= 2
    assert cap.spent <= 100


async def test_what_could_never_fit_is_refused_at_once():
    with pytest.raises(OverBudget, match="may not cost as much"):
        await Cap(10, spent=5).reserve(6)
