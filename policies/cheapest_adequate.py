"""The cheapest plan that is good enough, by what a request will cost in total.

A plan starts at a model and climbs to a stronger one if a check rejects the answer.
Its chance of success is that of its start, and what the climb saves of the failures that are caught;
its cost is that of its start, and of the climb as often as it is needed.
A plan is adequate if its chance is at least `quality` times that of the best single model;
the cheapest adequate one is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policies.estimate import expected_cost
from policies.language import PolicySpec
from policies.steps import decision, ends_it
from router.seams import Plan
from router.types import Features, Model, Release, Request, Status

CAUGHT = 0.35
"""Share of inadequate answers that the free checks catch: an assumption, to be measured on own traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What starting at a model promises: cost in picodollars and chance of success, climbs included."""

    cost: float
    success: float


class CheapestAdequate:
    """Starts where an adequate plan is cheapest; climbs to stronger models when a check fails."""

    def __init__(self, spec: PolicySpec) -> None:
        self._spec = spec

    def __call__(self, request: Request, features: Features, candidates: Sequence[Model], /) -> Plan:
        """Try the start of the cheapest adequate plan, then whatever the last attempt calls for.

        After a rejected answer only stronger models are worth their price, while there are any;
        after an upstream's failure every other model is.
        Ties go to the stronger model, then to the first name.
        """
        chance = {model.name: features.predictions[model.name].success for model in candidates}
        costs = {model.name: expected_cost(request, features, model) or 0 for model in candidates}
        enough = self._spec.quality * max(chance.values())
        ahead = prospects(chance, costs, enough=enough, caught=self._caught(request))

        def rank(model: Model) -> tuple[bool, float, float, str]:
            name = model.name
            return (ahead[name].success < enough, ahead[name].cost, -chance[name], name)

        left = sorted(candidates, key=rank)
        reason = "cheapest adequate"
        for _ in range(self._spec.max_attempts):
            model = left.pop(0)
            told = f"{reason} (p={chance[model.name]:.2f})"
            attempt = yield decision(self._spec, request, model, told, costs)
            if not left or ends_it(attempt):
                return
            if attempt.status is Status.REJECTED:
                failed = next(verdict for verdict in attempt.verdicts if not verdict.passed)
                reason = f"escalated: {failed.check} said {failed.reason}"
                # Stable, so within each half the order by cost stays.
                left.sort(key=lambda other: chance[other.name] <= chance[model.name])
            else:
                reason = f"failover: {model.name} {type(attempt.error).__name__}"

    def _caught(self, request: Request) -> float:
        """The share of failures that lead to a climb: none where nothing is checked or tried again."""
        unchecked = not self._spec.checks or self._spec.max_attempts == 1
        relayed = request.stream and self._spec.stream_release is Release.RELAYED
        return 0.0 if unchecked or relayed else CAUGHT


def prospects(
    chance: Mapping[str, float], costs: Mapping[str, int], *, enough: float, caught: float
) -> dict[str, Prospect]:
    """Look ahead from every start, by backward induction: from the strongest down, every climb is known.

    The climb goes to the cheapest stronger start that is good enough; linear after sorting.
    """
    ahead: dict[str, Prospect] = {}
    climb = Prospect(cost=0.0, success=0.0)
    for name in sorted(chance, key=lambda name: (-chance[name], costs[name], name)):
        needed = (1.0 - chance[name]) * caught if ahead else 0.0
        ahead[name] = here = Prospect(
            cost=costs[name] + needed * climb.cost, success=chance[name] + needed * climb.success
        )
        if here.success >= enough and (len(ahead) == 1 or here.cost < climb.cost):
            climb = here
    return ahead
