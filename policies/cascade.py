"""The models of the policy one after another, as they are listed, until an answer passes."""

from collections.abc import Sequence

from policies.estimate import expected_cost
from policies.language import PolicySpec
from policies.steps import decision, ends_it
from router.seams import Plan
from router.types import Features, Model, Request


class Cascade:
    """Tries candidates in the order the policy names them."""

    def __init__(self, spec: PolicySpec) -> None:
        self._spec = spec

    def __call__(self, request: Request, features: Features, candidates: Sequence[Model], /) -> Plan:
        costs = {
            m.name: cost for m in candidates if (cost := expected_cost(request, features, m)) is not None
        }
        for position, model in enumerate(candidates[: self._spec.max_attempts], start=1):
            attempt = yield decision(self._spec, request, model, f"step {position} of the cascade", costs)
            if ends_it(attempt):
                return
