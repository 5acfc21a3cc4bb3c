"""Moving to a cheaper policy before a budget is spent: what the policy asked for says of it, visibly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from router.budget import Standing, Unit
from router.errors import Refusal, Unaccounted
from router.pipeline import Pipeline
from router.seams import Caller, Evaluator, Plan, Policy, Purse
from router.types import Features, Model, Outcome, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class TierDown:
    """From which share of a budget of money on `policy` is asked in the place of `above`."""

    above: Policy
    at: float
    policy: Policy


class Tiered:
    """A policy, or the one below the one it chooses, if too much of a budget is spent."""

    def __init__(self, policy: Policy, tiers: Mapping[str, TierDown], money: Sequence[Standing]) -> None:
        self._policy, self._tiers, self._money = policy, tiers, money
        self.name, self.evaluators = policy.name, policy.evaluators
        self.strongest, self.cheapest = policy.strongest, policy.cheapest
        self.lower: TierDown | None = None

    def candidates(self, request: Request, /) -> Sequence[Model]:
        models = self._policy.candidates(request)
        below = (model for tier in self._tiers.values() for model in tier.policy.candidates(request))
        return tuple({model.name: model for model in (*models, *below)}.values())

    def choose(self, request: Request, features: Features, /) -> Policy:
        chosen = self._policy.choose(request, features)
        lower = self._tiers.get(chosen.name)
        if lower is None or request.incomparable or lower.above.choose(request, features) is not chosen:
            return chosen
        self.lower = lower
        scarce = next((each for each in self._money if each.spent + each.held >= lower.at * each.limit), None)
        if scarce is None:
            return chosen
        self.lower = None
        share = 100 * (scarce.spent + scarce.held) // max(1, scarce.limit)
        return Lowered(lower, f"{share} % of budget {scarce.budget!r} is spent")

    def plan(self, request: Request, features: Features, /) -> tuple[Plan | None, Mapping[str, Refusal]]:
        return self.choose(request, features).plan(request, features)


class Lowered:
    """A policy that is asked in another's place, and says so in every reason."""

    def __init__(self, tier: TierDown, why: str) -> None:
        self._policy, self._why = tier.policy, f"tier-down from {tier.above.name}: {why}"
        self.name = tier.policy.name
        self.strongest: Model | None = tier.policy.strongest
        self.cheapest: Model | None = tier.policy.cheapest
        self.evaluators: Mapping[str, Evaluator] = tier.policy.evaluators

    def candidates(self, request: Request, /) -> Sequence[Model]:
        return self._policy.candidates(request)

    def choose(self, request: Request, features: Features, /) -> Policy:  # noqa: ARG002 - the seam
        return self

    def plan(self, request: Request, features: Features, /) -> tuple[Plan | None, Mapping[str, Refusal]]:
        plan, refused = self._policy.choose(request, features).plan(request, features)
        return self._told(plan) if plan is not None else None, refused

    def _told(self, plan: Plan) -> Plan:
        try:
            decision = next(plan)
            while True:
                attempt = yield replace(decision, reason=f"{self._why}; {decision.reason}")
                decision = plan.send(attempt)
        except StopIteration:
            return
        finally:
            plan.close()


async def run_within(
    pipeline: Pipeline,
    request: Request,
    policy: Policy,
    tiers: Mapping[str, TierDown],
    caller: Caller | None,
    purse: Purse,
) -> Outcome:
    """Answer `request` by its policy, or by the one below it where a budget of money runs out."""
    if not tiers:
        return await pipeline.run(request, policy, caller, purse)
    tiered = Tiered(policy, tiers, await _money(pipeline, request))
    outcome = await pipeline.run(request, tiered, caller, purse)
    refused = outcome.over_budget
    if tiered.lower is None or outcome.attempts or refused is None or isinstance(refused, Unaccounted):
        return outcome
    purse.refused = None
    lowered = Lowered(tiered.lower, f"budget {refused.budget!r} does not bear it")
    return await pipeline.run(request, lowered, caller, purse)


async def _money(pipeline: Pipeline, request: Request) -> Sequence[Standing]:
    """How the budgets of money stand; whether anything may be spent is told when it is reserved."""
    try:
        standings = await pipeline.budgets.standing(request.principal)
    except Unaccounted:
        return ()
    return [standing for standing in standings if standing.unit is Unit.USD]
