"""Accounts that the processes of one machine share."""

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from policies.budgets.counters import Account, Held, Short, Unavailable
from policies.budgets.leases import LeasedCounters
from tests.support.budgets import Claim, accounts, claims
from tests.support.world import FakeClock

ROOT = Path(__file__).parents[3]
LATER = 4e9


def claim(amount=1, limit=100, key="a", ends=LATER) -> Claim:
    return Claim(Account(key, limit, ends), amount)


@asynccontextmanager
async def processes(folder, number=2, *, ticking=False, clock=None):
    """Several counters over one folder, as as many processes would have."""
    each = [LeasedCounters(folder, clock or FakeClock()) for _ in range(number)]
    keepers = [asyncio.ensure_future(one.keep()) for one in each] if ticking else []
    try:
        yield each
    finally:
        for keeper in keepers:
            keeper.cancel()
        for one in each:
            await one.close()


async def spend(counters, amount=1, **given) -> bool:
    held = await counters.reserve(*claims(claim(amount, **given)))
    if isinstance(held, Held):
        counters.settle(held, [amount])
    return isinstance(held, Held)


async def test_together_they_spend_exactly_what_there_is(tmp_path):
    async with processes(tmp_path, 4, ticking=True) as workers:
        done = await asyncio.gather(*(spend(workers[n % 4]) for n in range(400)))
        assert sum(done) == 100
        assert (await workers[0].counts(accounts(claim())))[0] == (100, 0)


async def test_what_one_took_and_does_not_need_goes_to_who_comes_short(tmp_path):
    async with processes(tmp_path, ticking=True) as (idle, busy):
        assert await spend(idle, limit=1600)
        assert await spend(busy, 1599, limit=1600)


async def test_what_is_held_elsewhere_is_not_to_be_had(tmp_path):
    async with processes(tmp_path, ticking=True) as (one, other):
        held = await one.reserve(*claims(claim(60)))
        short = await other.reserve(*claims(claim(50)))
        assert isinstance(short, Short)
        assert isinstance(held, Held)
        one.settle(held, [0])
        await one.give_back()
        assert await spend(other, 50)


async def test_most_of_the_time_nobody_is_asked(tmp_path):
    async with processes(tmp_path, 1) as (worker,):
        await spend(worker, limit=16_000)
        worker._book.close()  # a question would fail from here on
        assert all([await spend(worker, limit=16_000) for _ in range(900)])
        with pytest.raises(Unavailable):
            await spend(worker, 16_000, limit=16_000)
        worker._book = None


async def test_a_process_that_ends_leaves_what_it_spent(tmp_path):
    async with processes(tmp_path, 1) as (first,):
        await spend(first, 7)
        await first.reserve(*claims(claim(20)))
    async with processes(tmp_path, 1) as (second,):
        assert (await second.counts(accounts(claim())))[0] == (7, 0)
    assert sorted(path.suffix for path in tmp_path.glob("*.used")) == []


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from policies.budgets.counters import Account
from policies.budgets.leases import LeasedCounters
from tests.support.world import FakeClock

async def main():
    counters = LeasedCounters(Path(sys.argv[1]), FakeClock())
    for number in range(37):
        held = await counters.reserve([Account("a", 100, 4e9), Account("b", 10**18, 4e9)], [1, 10**12])
        counters.settle(held, [1, 10**12 - number])
    await counters.reserve([Account("a", 100, 4e9)], [20])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_process_that_is_killed_leaves_exactly_what_it_spent_and_holds_nothing(tmp_path):
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(tmp_path), cwd=ROOT)
    assert await killed.wait() == -signal.SIGKILL
    async with processes(tmp_path, 1) as (after,):
        counts = await after.counts(accounts(claim(), claim(key="b")))
        assert counts == [(37, 0), (37 * 10**12 - sum(range(37)), 0)]
        assert not await spend(after, 64)
        assert await spend(after, 63)


async def test_an_account_whose_window_is_over_is_forgotten(tmp_path):
    clock = FakeClock()
    async with processes(tmp_path, 1, clock=clock) as (worker,):
        ends = clock.now().timestamp() + 60
        await spend(worker, 5, ends=ends)
        clock.at += 61
        await worker.tick(sweeping=True)
        await worker.tick(sweeping=True)
        assert (await worker.counts(accounts(claim())))[0] == (0, 0)
        assert worker._leases == {}


async def test_an_idle_lease_is_given_back_whole(tmp_path):
    async with processes(tmp_path) as (idle, other):
        await spend(idle, 10, limit=1600)
        for _ in range(4):
            await idle.tick(sweeping=True)
        assert idle._leases == {}
        assert await spend(other, 1590, limit=1600)


async def test_a_caller_who_leaves_while_it_is_asked_takes_nothing(tmp_path):
    async with processes(tmp_path, 1) as (worker,):
        for _ in range(20):
            task = asyncio.ensure_future(worker.reserve(*claims(claim(100))))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        assert await spend(worker, 100)
