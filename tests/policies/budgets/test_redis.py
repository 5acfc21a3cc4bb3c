"""Accounts that many machines share, in the real Redis."""

import asyncio
import signal

import pytest

from policies.budgets.counters import Account, Held, Short, Unavailable
from policies.budgets.redis import RedisCounters
from router.types import DOLLAR
from tests.support.budgets import Claim, accounts, claims
from tests.support.redis_server import started
from tests.support.world import FakeClock

pytestmark = pytest.mark.service

LATER = 4e9


def claim(amount=1, limit=100, key="a", grain=1) -> Claim:
    return Claim(Account(key, limit, LATER, grain), amount)


class World:
    """One Redis, and as many machines as are asked for."""

    def __init__(self, folder):
        self.server, self.clock, self.machines = started(folder), FakeClock(), []

    def machine(self, **given) -> RedisCounters:
        made = RedisCounters(self.server.url, **{"prefix": "t", "expires": 60, "clock": self.clock, **given})
        self.machines.append(made)
        return made

    async def close(self):
        for machine in self.machines:
            await machine.close()
        self.server.stop()


@pytest.fixture
async def world(tmp_path):
    made = World(tmp_path)
    yield made
    await made.close()


async def spend(counters, amount=1, **given) -> bool:
    held = await counters.reserve(*claims(claim(amount, **given)))
    if isinstance(held, Held):
        counters.settle(held, [amount])
    return isinstance(held, Held)


async def test_together_machines_spend_exactly_what_there_is(world):
    one, other = world.machine(), world.machine()
    done = await asyncio.gather(*(spend(each) for _ in range(300) for each in (one, other)))
    assert sum(done) == 100
    assert (await one.counts(accounts(claim())))[0] == (100, 0)


async def test_what_a_machine_held_that_is_gone_is_given_back(world):
    gone, other = world.machine(), world.machine()
    assert isinstance(await gone.reserve(*claims(claim(90), claim(5, key="b"))), Held)
    assert not await spend(other, 20)
    world.clock.at += 61
    assert await spend(other, 100)
    assert (await other.counts(accounts(claim(key="b"))))[0] == (0, 0)


async def test_who_settles_after_that_still_books_what_it_took_and_once(world):
    late, other = world.machine(), world.machine()
    held = await late.reserve(*claims(claim(90)))
    world.clock.at += 61
    await spend(other, 1)
    late.settle(held, [30])
    late.settle(held, [30])
    assert (await late.counts(accounts(claim())))[0] == (31, 0)


async def test_money_is_exact_to_a_nano_dollar_in_budgets_of_millions(world):
    machine, million = world.machine(), 1_000_000 * DOLLAR
    assert await spend(machine, million - 3000, limit=million, grain=1000)
    assert await spend(machine, 1, limit=million, grain=1000)
    assert (await machine.counts(accounts(claim(grain=1000))))[0].spent == million - 2000
    assert not await spend(machine, 2001, limit=million, grain=1000)
    assert await spend(machine, 2000, limit=million, grain=1000)


async def test_a_redis_that_is_away_is_said_so_and_what_was_booked_meanwhile_arrives(world):
    machine = world.machine()
    held = await machine.reserve(*claims(claim(40)))
    world.server.stop()
    with pytest.raises(Unavailable):
        await machine.reserve(*claims(claim()))
    machine.settle(held, [40])
    world.server.again()
    while True:
        try:
            assert isinstance(await machine.reserve(*claims(claim(100))), Held | Short)
            break
        except Unavailable:
            await asyncio.sleep(0.05)


async def test_a_redis_that_was_started_anew_is_told_the_scripts_again(world):
    machine = world.machine()
    assert await spend(machine)
    await machine._redis.script_flush()
    assert await spend(machine)
    assert (await machine.counts(accounts(claim())))[0] == (2, 0)


async def test_a_caller_who_leaves_while_it_is_asked_takes_nothing(world):
    machine = world.machine()
    for _ in range(50):
        task = asyncio.ensure_future(machine.reserve(*claims(claim(100))))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert await spend(machine, 100)


async def test_accounts_end_with_their_window(world):
    machine = world.machine()
    ends = int(world.clock.now().timestamp()) - 10**9
    await machine.reserve(*claims(Claim(Account("old", 10, ends), 1)))
    assert await machine._redis.keys("*old*") == []


async def test_what_is_booked_stands_in_redis_before_the_answer_goes_out(world):
    machine, other = world.machine(), world.machine()
    held = await machine.reserve(*claims(claim(40)))
    machine.settle(held, [30])
    await machine.booked()
    assert (await other.counts(accounts(claim())))[0] == (30, 0)
    await machine.booked()


async def test_nobody_waits_for_a_booking_while_redis_is_away(world):
    machine = world.machine()
    held = await machine.reserve(*claims(claim(40)))
    world.server.stop()
    machine.settle(held, [30])
    await asyncio.wait_for(machine.booked(), 5)


async def test_a_redis_that_hangs_counts_as_away_until_it_goes_on(world):
    machine = world.machine()
    assert await spend(machine)
    world.server.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable, match="no answer within"):
            await machine.reserve(*claims(claim()))
    finally:
        world.server.process.send_signal(signal.SIGCONT)
    while True:
        try:
            assert await spend(machine)
            break
        except Unavailable:
            await asyncio.sleep(0.05)


async def test_a_connection_that_was_closed_while_nothing_was_asked_is_opened_anew(world):
    machine, other = world.machine(), world.machine()
    assert await spend(machine)
    assert await spend(other)
    wire, lost = machine._wire, asyncio.Event()
    tell, wire._lost = wire._lost, lambda *told: (tell(*told), lost.set())
    await machine._redis.client_kill_filter(_type="normal", skipme=True)
    await lost.wait()
    assert await spend(machine)
