"""The cheapest model that is good enough, by what a request will cost in total.

A model is adequate if its predicted chance of success is at least `quality` times the best candidate's.
Starting at a cheap model costs its answer and, if a check fails, the climb to a stronger one;
the plan starts where that sum is least.
"""

from collections.abc import Mapping, Sequence

from policies.estimate import expected_cost
from policies.language import PolicySpec
from policies.steps import decision
from router.seams import Plan
from router.types import Features, Model, Request, Status

CAUGHT = 0.35
"""Share of inadequate answers that the free checks catch: an assumption, to be measured on own traffic."""


class CheapestAdequate:
    """Orders candidates by expected total cost; climbs to stronger ones when a check fails."""

    def __init__(self, spec: PolicySpec) -> None:
        self._spec = spec

    def __call__(self, request: Request, features: Features, candidates: Sequence[Model], /) -> Plan:
        """Try the start that is cheapest in total, then whatever the last attempt calls for.

        After a rejected answer only stronger models are worth their price, while there are any;
        after an upstream's failure every other model is.
        Ties go to the stronger model, then to the first name.
        """
        chance = {model.name: features.predictions[model.name].success for model in candidates}
        costs = {model.name: expected_cost(request, features, model) or 0 for model in candidates}
        totals = total_costs(chance, costs)
        enough = self._spec.quality * max(chance.values())

        def rank(model: Model) -> tuple[bool, float, float, str]:
            name = model.name
            return (chance[name] < enough, totals[name], -chance[name], name)

        left = sorted(candidates, key=rank)
        reason = "cheapest adequate"
        for _ in range(self._spec.max_attempts):
            model = left.pop(0)
            attempt = yield decision(
                self._spec, request, model, f"{reason} (p={chance[model.name]:.2f})", costs
            )
            if not left or (attempt.error is not None and not getattr(attempt.error, "retryable", True)):
                return
            if attempt.status is Status.REJECTED:
                failed = next(verdict for verdict in attempt.verdicts if not verdict.passed)
                reason = f"escalated: {failed.check} said {failed.reason}"
                # Stable, so within each half the order by cost stays.
                left.sort(key=lambda other: chance[other.name] <= chance[model.name])
            else:
                reason = f"failover: {model.name} {type(attempt.error).__name__}"


def total_costs(chance: Mapping[str, float], costs: Mapping[str, int]) -> dict[str, float]:
    """Expected cost of starting at each model and climbing on: its answer, then the cheapest climb if caught.

    From the strongest down, so that every climb is already known: linear after sorting.
    """
    totals: dict[str, float] = {}
    cheapest_above = 0.0
    for name in sorted(chance, key=lambda name: (-chance[name], costs[name], name)):
        caught = (1.0 - chance[name]) * CAUGHT
        totals[name] = costs[name] + (caught * cheapest_above if totals else 0.0)
        cheapest_above = min(cheapest_above, totals[name]) if len(totals) > 1 else totals[name]
    return totals
