"""What every purse and every set of counters keeps to."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.budgets.counters import Account, Counters, Held, Short
from policies.budgets.free import Free
from policies.budgets.keeper import Keeper
from policies.budgets.leases import LeasedCounters
from policies.budgets.memory import MemoryCounters
from policies.budgets.redis import RedisCounters
from policies.budgets.rules import Ruleset
from router.budget import Budget, BudgetScope, Per
from router.errors import OverBudget
from router.seams import Budgets, Purse
from tests.support.budgets import Claim, accounts, attempt, claims
from tests.support.redis_server import started
from tests.support.world import FakeClock, features, model, request

WIDE = Budget(name="house", scope=BudgetScope.ALL, per=Per.DAY, usd=10**12, requests=10, tokens=10**6)


def memory(clock, _folder):
    return MemoryCounters(clock)


def leases(clock, folder):
    return LeasedCounters(folder, clock)


def redis(clock, folder):
    server = started(folder)
    made = RedisCounters(server.url, prefix="t", expires=900, clock=clock)
    made.server = server
    return made


COUNTERS = {"memory": memory, "leases": leases, "redis": redis}

each_budgets = pytest.mark.parametrize("made", ["free", "keeper"])


def budgets(made: str) -> Budgets:
    clock = FakeClock()
    return Free() if made == "free" else Keeper(Ruleset([WIDE]), MemoryCounters(clock), clock=clock)


@each_budgets
async def test_a_purse_reserves_and_settles_and_says_how_it_stands(made):
    purse: Purse = budgets(made).open(request())
    assert purse.standings() == () or list(purse.standings()) == []
    settle = await purse.reserve(request(), features({"a": 0.5}), model("a"))
    settle(attempt(cost=5))
    settle(attempt(cost=5))
    await purse.booked()
    assert purse.refused is None
    assert not purse.unchecked
    assert all(standing.remaining >= 0 for standing in purse.standings())


@pytest.fixture(params=["memory", "leases", pytest.param("redis", marks=pytest.mark.service)])
async def counters(request, tmp_path):
    made = COUNTERS[request.param](FakeClock(), tmp_path)
    yield made
    await made.close()
    if request.param == "redis":
        made.server.stop()


def claim(key="a", limit=10, amount=1) -> Claim:
    return Claim(Account(key, limit, 4e9), amount)


async def test_what_is_held_counts_until_it_is_settled(counters: Counters):
    held = await counters.reserve(*claims(claim(amount=7)))
    assert isinstance(held, Held)
    short = await counters.reserve(*claims(claim(amount=4)))
    assert isinstance(short, Short)
    assert (short.position, short.standing.spent + short.standing.held) == (0, 7)
    counters.settle(held, [2])
    assert isinstance(await counters.reserve(*claims(claim(amount=8))), Held)


async def test_all_claims_are_held_or_none(counters: Counters):
    short = await counters.reserve(*claims(claim("a", amount=5), claim("b", limit=3, amount=4)))
    assert isinstance(short, Short)
    assert short.position == 1
    assert isinstance(await counters.reserve(*claims(claim("a", amount=10))), Held)


async def test_settling_twice_books_once(counters: Counters):
    held = await counters.reserve(*claims(claim(amount=7)))
    counters.settle(held, [5])
    counters.settle(held, [5])
    assert isinstance(await counters.reserve(*claims(claim(amount=5))), Held)
    assert isinstance(await counters.reserve(*claims(claim(amount=1))), Short)


async def test_a_call_that_took_more_than_was_held_is_booked_in_full(counters: Counters):
    held = await counters.reserve(*claims(claim(amount=7)))
    counters.settle(held, [12])
    assert isinstance(await counters.reserve(*claims(claim(amount=1))), Short)
    assert isinstance(await counters.reserve(*claims(claim(limit=13, amount=1))), Held)


async def test_the_counts_add_up(counters: Counters):
    held = await counters.reserve(*claims(claim("x", amount=3)))
    counters.settle(held, [2])
    still = await counters.reserve(*claims(claim("x", amount=4)))
    assert isinstance(still, Held)
    assert tuple(still.counts[0]) == (2, 4)
    assert tuple((await counters.counts(accounts(claim("nobody"))))[0]) == (0, 0)


async def test_a_crowd_gets_exactly_what_there_is(counters: Counters):
    async def one(number: int) -> bool:
        held = await counters.reserve(*claims(claim(limit=50), claim("b", limit=1000, amount=3)))
        await asyncio.sleep(0)
        if isinstance(held, Held):
            counters.settle(held, [1, 2])
        return isinstance(held, Held)

    done = await asyncio.gather(*(one(n) for n in range(200)))
    assert sum(done) == 50


async def test_a_crowd_that_gives_everything_back_takes_nothing(counters: Counters):
    async def one() -> None:
        held = await counters.reserve(*claims(claim(limit=50)))
        await asyncio.sleep(0)
        if isinstance(held, Held):
            counters.settle(held, [0])

    await asyncio.gather(*(one() for _ in range(200)))
    assert isinstance(await counters.reserve(*claims(claim(limit=50, amount=50))), Held)


@given(steps=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 8), st.integers(0, 8)), max_size=30))
@settings(max_examples=50)
def test_no_account_is_ever_above_its_limit(steps):
    """What is booked never exceeds what was held here, so the limit holds whatever happens."""

    async def play() -> None:
        counters, booked, held_now = MemoryCounters(FakeClock()), {"a": 0, "b": 0}, []
        for key, amount, actual in steps:
            held = await counters.reserve(*claims(claim(key, limit=12, amount=amount)))
            if isinstance(held, Held):
                held_now.append((key, held, min(amount, actual)))
            elif held_now:
                which, one, cost = held_now.pop()
                counters.settle(one, [cost])
                booked[which] += cost
            assert all(spent <= 12 for spent in booked.values())

    asyncio.run(play())


async def test_a_refusal_says_which_budget_and_when_it_begins_anew():
    clock = FakeClock()
    small = Budget(name="small", scope=BudgetScope.ALL, per=Per.DAY, usd=10**9)
    purse = Keeper(Ruleset([small]), MemoryCounters(clock), clock=clock).open(request())
    with pytest.raises(OverBudget, match=r"'small' allows \$0.001 a day"):
        await purse.reserve(request(), features({"a": 0.5}), model("a"))
    assert purse.refused is not None
    assert purse.refused.retry_after is None, "it alone is more than the budget"
