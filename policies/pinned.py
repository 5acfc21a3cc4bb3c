"""The model that was named, and no other."""

from collections.abc import Sequence

from policies.estimate import expected_cost
from policies.language import PolicySpec
from policies.steps import decision
from router.errors import Unreachable
from router.seams import Plan
from router.types import Features, Model, Request


class Pinned:
    """Asks the first candidate, once more if it could not even be reached, and never another."""

    reason = "pinned"

    def __init__(self, spec: PolicySpec) -> None:
        self._spec = spec

    def __call__(self, request: Request, features: Features, candidates: Sequence[Model], /) -> Plan:
        model = candidates[0]
        cost = expected_cost(request, features, model)
        attempt = yield decision(self._spec, request, model, self.reason, cost)
        if isinstance(attempt.error, Unreachable) and self._spec.escalation.max_calls > 1:
            again = f"{self.reason}, second try: it could not be reached"
            yield decision(self._spec, request, model, again, cost)


class Sole(Pinned):
    """The same for a policy's only model, where one model's answer cannot stand for another's."""

    reason = "the policy's only model for it"
