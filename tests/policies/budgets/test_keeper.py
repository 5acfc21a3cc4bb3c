"""Which budgets apply, what they bear, and what is booked on them."""

from dataclasses import replace

import pytest

from policies.budgets.counters import Unavailable
from policies.budgets.keeper import FREE, Keeper
from policies.budgets.memory import MemoryCounters
from policies.budgets.rules import Ruleset
from router.budget import Budget, BudgetScope, Per
from router.errors import OverBudget, OverRate, Unaccounted
from router.types import DOLLAR, Limits, Principal
from tests.support.budgets import attempt
from tests.support.world import FakeClock, features, model, request

A, TOLD = model("a", provider="near"), features({"a": 0.5})
ASKED = request(limits=Limits(output_tokens=10))


def budget(scope=BudgetScope.ALL, per=Per.DAY, name="b", **given) -> Budget:
    return Budget(name=name, scope=scope, per=per, **given)


def keeper(*budgets, clock=None, of_key=lambda _name: (), **given) -> Keeper:
    clock = clock or FakeClock()
    return Keeper(Ruleset(budgets, of_key=of_key), MemoryCounters(clock), clock=clock, **given)


def by(**labels):
    return replace(request(limits=Limits(output_tokens=10)), principal=Principal(**labels))


def test_where_nothing_applies_the_purse_is_free():
    house = keeper(budget(BudgetScope.TEAM, requests=1))
    assert house.open(by(key="k")) is FREE
    assert house.open(by(team="t")) is not FREE


async def test_what_is_held_is_the_most_a_call_can_cost_and_what_is_booked_is_what_it_did():
    house = keeper(budget(usd=DOLLAR))
    settle = await house.open(by()).reserve(ASKED, TOLD, A)
    assert (await house.standing(by().principal))[0].held == (10 * 3 // 2 + 64 + 10) * 10**6
    settle(attempt(cost=7))
    (standing,) = await house.standing(by().principal)
    assert (standing.spent, standing.held) == (7, 0)


async def test_an_answer_nobody_bounds_is_bounded_by_what_is_stated():
    house = keeper(budget(tokens=10**6), output_tokens=500)
    await house.open(request()).reserve(request(), TOLD, A)
    assert (await house.standing(request().principal))[0].held == 79 + 500


@pytest.mark.parametrize(
    ("scope", "mine", "others"),
    [
        (BudgetScope.ALL, by(key="k"), None),
        (BudgetScope.KEY, by(key="k"), by(key="l")),
        (BudgetScope.KEY, by(key="child", parents=("k",)), by(key="child", parents=())),
        (BudgetScope.TEAM, by(team="t"), by(team="u")),
        (BudgetScope.USER, by(user="t"), by(user="u")),
        (BudgetScope.TAG, by(tags=("x", "t")), by(tags=("x",))),
        (BudgetScope.RUN, by(key="k", run="r"), by(key="k", run="s")),
        (BudgetScope.SESSION, by(key="k", session="r"), by(key="l", session="r")),
    ],
)
async def test_each_has_an_account_of_its_own(scope, mine, others):
    match = {BudgetScope.TAG: frozenset({"t"}), BudgetScope.KEY: frozenset({"k"})}.get(scope)
    house = keeper(budget(scope, requests=1, match=match))
    await house.open(mine).reserve(ASKED, TOLD, A)
    with pytest.raises(OverRate):
        await house.open(mine).reserve(ASKED, TOLD, A)
    if others is not None:
        await house.open(others).reserve(ASKED, TOLD, A)


async def test_a_request_counts_once_however_often_it_is_tried():
    house = keeper(budget(requests=2))
    purse = house.open(by())
    for _ in range(3):
        (await purse.reserve(ASKED, TOLD, A))(attempt())
    assert (await house.standing(by().principal))[0].spent == 1


async def test_a_requests_own_budget_counts_all_its_attempts():
    purse = keeper(budget(BudgetScope.REQUEST, Per.TOTAL, usd=150 * 10**6)).open(by())
    (await purse.reserve(ASKED, TOLD, A))(attempt(cost=80 * 10**6))
    with pytest.raises(OverBudget, match="a request"):
        await purse.reserve(ASKED, TOLD, A)
    assert purse.refused is not None


async def test_a_provider_is_given_only_so_much():
    house = keeper(budget(BudgetScope.PROVIDER, usd=10**8, match=frozenset({"near"})))
    await house.open(by()).reserve(ASKED, TOLD, A)
    with pytest.raises(OverBudget, match="provider near"):
        await house.open(by()).reserve(ASKED, TOLD, A)
    await house.open(by()).reserve(ASKED, TOLD, replace(A, provider="far"))


async def test_the_limits_of_a_key_bind_the_keys_made_from_it():
    limits = (budget(BudgetScope.KEY, requests=1, name="key k"),)
    house = keeper(of_key=lambda name: limits if name == "k" else ())
    await house.open(by(key="child", parents=("k",))).reserve(ASKED, TOLD, A)
    with pytest.raises(OverRate, match="key k"):
        await house.open(by(key="k")).reserve(ASKED, TOLD, A)


async def test_a_new_window_begins_at_nothing_and_the_refusal_said_when():
    clock = FakeClock(at=30.0)
    house = keeper(budget(per=Per.MINUTE, requests=1), clock=clock)
    await house.open(by()).reserve(ASKED, TOLD, A)
    with pytest.raises(OverRate) as refused:
        await house.open(by()).reserve(ASKED, TOLD, A)
    assert refused.value.retry_after == pytest.approx(30.0)
    clock.at += 30.0
    await house.open(by()).reserve(ASKED, TOLD, A)


async def test_an_unpriced_model_cannot_be_borne_by_money_but_by_a_rate():
    unpriced = replace(A, prices=None)
    with pytest.raises(OverBudget, match="unknown"):
        await keeper(budget(usd=DOLLAR)).open(by()).reserve(ASKED, TOLD, unpriced)
    await keeper(budget(requests=1)).open(by()).reserve(ASKED, TOLD, unpriced)


async def test_what_nobody_knows_is_booked_as_the_most_it_can_have_been():
    house = keeper(budget(usd=DOLLAR, tokens=10**6))
    settle = await house.open(by()).reserve(ASKED, TOLD, A)
    settle(attempt(cost=None, output=None))
    spent = {standing.unit: standing.spent for standing in await house.standing(by().principal)}
    assert spent == {"usd": 89 * 10**6, "tokens": 89}


class Away(MemoryCounters):
    async def reserve(self, accounts, amounts, /):
        raise Unavailable("no route to host")


@pytest.mark.parametrize("refuses", [True, False])
async def test_counters_that_are_away_refuse_or_are_gone_without_visibly(refuses, caplog):
    clock = FakeClock()
    house = Keeper(Ruleset([budget(usd=1)]), Away(clock), clock=clock, refuses=refuses)
    purse = house.open(by())
    if refuses:
        with pytest.raises(Unaccounted):
            await purse.reserve(ASKED, TOLD, A)
    else:
        (await purse.reserve(ASKED, TOLD, A))(attempt())
        assert purse.unchecked
        assert "no route to host" in caplog.text
