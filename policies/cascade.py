"""The models of the policy one after another, as they are listed, until an answer passes."""

from collections.abc import Sequence

from policies.caps import Caps
from policies.estimate import expected_cost
from policies.language import PolicySpec
from policies.rescues import SecondTries
from policies.steps import decision, ends_it
from router.seams import Plan
from router.types import Features, Model, Request


class Cascade:
    """Tries candidates in the order the policy names them.

    After a failed check the same one may be asked again, where that costs less for each success.
    """

    def __init__(self, spec: PolicySpec) -> None:
        self._spec = spec

    def __call__(self, request: Request, features: Features, candidates: Sequence[Model], /) -> Plan:
        costs = {
            m.name: cost for m in candidates if (cost := expected_cost(request, features, m)) is not None
        }
        caps, end = Caps(self._spec.escalation), len(candidates)
        tries = SecondTries(self._spec, request, features, costs, caps, costs)
        for position, model in enumerate(candidates, start=1):
            after = candidates[position] if position < end else None
            ahead = sum(costs.get(m.name, 0) for m in (model, after) if m is not None)
            last = after is None or caps.calls == 1 or not caps.affords(ahead)
            reason = f"step {position} of the cascade"
            attempt = yield decision(self._spec, request, model, reason, costs.get(model.name), last=last)
            caps.note(attempt)
            attempt = yield from tries.after(attempt, after)
            if ends_it(attempt) or after is None or not caps.allow(costs.get(after.name, 0)):
                return
