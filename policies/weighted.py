"""A share of the traffic for each model: to try one out on a little of it (a canary), or to compare two."""

from collections.abc import Sequence
from itertools import pairwise

from policies.caps import Caps
from policies.estimate import expected_cost
from policies.language import PolicySpec
from policies.rescues import SecondTries
from policies.steps import decision, draw, ends_it
from router.seams import Plan
from router.types import Features, Model, Request


class Weighted:
    """Draws a model by the weights; the others follow, the heaviest first, if it fails.

    After a failed check the same model may be asked again, where that costs less for each success.

    The draw is a hash of the session, else of the request: a conversation keeps its model,
    and the same request draws the same again.
    A model without a weight weighs nothing, and without any weights all weigh the same.
    Ties go to the first name.
    """

    def __init__(self, spec: PolicySpec) -> None:
        self._spec = spec

    def __call__(self, request: Request, features: Features, candidates: Sequence[Model], /) -> Plan:
        weights = self._spec.weights
        given = {model.name: 1.0 if weights is None else weights.get(model.name, 0.0) for model in candidates}
        order = sorted(candidates, key=lambda model: (-given[model.name], model.name))
        costs = {m.name: cost for m in order if (cost := expected_cost(request, features, m)) is not None}
        first = _drawn(order, given, request)
        share = given[first.name] / (sum(given.values()) or 1.0)
        queue = [first, *(model for model in order if model is not first)]
        reason = f"drawn, with a share of {share:.0%}"
        caps = Caps(self._spec.escalation)
        tries = SecondTries(self._spec, request, features, costs, caps, costs)
        for model, following in pairwise([*queue, None]):
            assert model is not None, "only the end has nobody"
            attempt = yield decision(self._spec, request, model, reason, costs.get(model.name))
            caps.note(attempt)
            attempt = yield from tries.after(attempt, following)
            if ends_it(attempt) or following is None or not caps.allow(costs.get(following.name, 0)):
                return
            reason = f"next by weight, after {model.name}"


def _drawn(order: Sequence[Model], given: dict[str, float], request: Request) -> Model:
    total = sum(given.values())
    if total <= 0:
        return order[0]
    left = draw(request) * total
    for model in order:
        left -= given[model.name]
        if left < 0:
            return model
    return order[0]
