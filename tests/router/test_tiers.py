"""A cheaper policy before a budget is spent."""

from dataclasses import dataclass, replace

import pytest

from policies.budgets.keeper import Keeper
from policies.budgets.memory import MemoryCounters
from policies.budgets.rules import Ruleset
from policies.language import PolicySpec
from policies.meters import Health
from policies.policy import RoutedPolicy
from router.budget import Budget, BudgetScope, Per
from router.errors import OverBudget
from router.pipeline import Pipeline
from router.tiers import TierDown, run_within
from router.types import Limits
from tests.support.world import Book, FakeClock, Script, features, flat_charge, model, request

SMALL, LARGE = model("small", price=1), model("large", price=100)
CALL = replace(request(limits=Limits(output_tokens=21)))
"""At most 100 tokens, so 100 millionths of a dollar at the small model, and 10,000 at the large one."""


@dataclass
class World:
    """A dear policy, a cheaper one below it, and a budget."""

    usd: int

    def __post_init__(self):
        clock = FakeClock()
        budgets = Ruleset([Budget(name="b", scope=BudgetScope.ALL, per=Per.DAY, usd=self.usd * 10**6)])
        self.upstream = Script({"small": [["s"]], "large": [["l"]]})
        self.pipeline = Pipeline(
            models={"small": SMALL, "large": LARGE},
            upstreams={"fake": self.upstream},
            measure=lambda *_: features({"small": 0.5, "large": 0.9}),
            charge=flat_charge,
            count=len,
            sinks=[Book()],
            clock=clock,
            budgets=Keeper(budgets, MemoryCounters(clock), clock=clock),
        )

    async def ask(self, *, at=1.0):
        def policy(name, *models):
            spec, health = PolicySpec(checks=()), Health(FakeClock())
            return RoutedPolicy(name, spec, models, health=health, strongest=LARGE)

        dear = policy("dear", LARGE)
        tiers = {"dear": TierDown(above=dear, at=at, policy=policy("cheap", SMALL))}
        purse = self.pipeline.budgets.open(CALL)
        return await run_within(self.pipeline, CALL, dear, tiers, None, purse)


async def test_while_there_is_enough_nothing_changes():
    outcome = await World(usd=100_000).ask()
    assert (outcome.chosen.decision.model, outcome.policy) == (LARGE, "dear")


async def test_from_a_share_on_the_cheaper_policy_answers_and_says_so():
    world = World(usd=20_000)
    reasons = [(await world.ask(at=0.15)).chosen.decision.reason for _ in range(4)]
    assert [reason.partition(":")[0] for reason in reasons] == ["cheapest adequate (p=0.90)"] * 2 + [
        "tier-down from dear"
    ] * 2
    assert "15 % of budget 'b' is spent; cheapest adequate (p=0.50)" in reasons[2]


async def test_a_budget_that_does_not_bear_the_first_call_is_a_reason_too():
    outcome = await World(usd=500).ask()
    assert outcome.chosen.decision.model == SMALL
    assert outcome.chosen.decision.reason.startswith("tier-down from dear: budget 'b' does not bear it; ")
    assert outcome.over_budget is None


async def test_where_not_even_that_is_borne_nothing_is_asked():
    world = World(usd=50)
    outcome = await world.ask()
    assert isinstance(outcome.failure, OverBudget)
    assert world.upstream.sent == []


@pytest.mark.parametrize("usd", [20, 150])
async def test_what_was_refused_holds_nothing(usd):
    world = World(usd=usd)
    for _ in range(5):
        await world.ask()
    (standing,) = await world.pipeline.budgets.standing(CALL.principal)
    assert standing.held == 0
    assert standing.spent <= standing.limit
