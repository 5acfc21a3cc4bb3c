"""The model that answers soonest, as measured lately, among those that are good enough."""

from collections.abc import Sequence

from policies.caps import Caps
from policies.estimate import expected_cost
from policies.language import PolicySpec
from policies.rescues import SecondTries
from policies.rules import probable_ms
from policies.standing import needed
from policies.steps import decision, draw, ends_it
from router.seams import Plan
from router.types import Features, Model, Request, Status

TRIED_OUT = 0.05
"""Share of requests that measure a model which nobody has measured lately."""


class FastestAdequate:
    """Tries adequate models by the time their whole answer will probably take; then stronger ones.

    A stream is as good as its first token, so there the time until that counts.
    What was not measured lately is tried last among the adequate, by its expected cost,
    but first for one request in `1 / TRIED_OUT`, or it would never be measured.
    After a failed check the same model may be asked again, where that takes less time for each success.
    Ties go to the stronger model, then to the first name.
    """

    def __init__(self, spec: PolicySpec) -> None:
        self._spec = spec

    def __call__(self, request: Request, features: Features, candidates: Sequence[Model], /) -> Plan:
        chance = {model.name: features.predictions[model.name].success for model in candidates}
        costs = {
            m.name: cost for m in candidates if (cost := expected_cost(request, features, m)) is not None
        }
        enough = needed(self._spec, features, max(chance.values()))

        unknown = 0.0 if draw(request) < TRIED_OUT else float("inf")

        def rank(model: Model) -> tuple[bool, float, float, float, str]:
            name = model.name
            taken = self._taken(request, features, model)
            wait = unknown if taken is None else taken
            return (chance[name] < enough, wait, costs.get(name, 0), -chance[name], name)

        left = sorted(candidates, key=rank)
        reason = "fastest adequate"
        caps = Caps(self._spec.escalation)
        times = {m.name: taken for m in left if (taken := self._taken(request, features, m)) is not None}
        tries = SecondTries(self._spec, request, features, costs, caps, times)
        while True:
            model = left.pop(0)
            taken = self._taken(request, features, model)
            pace = f"{taken:.0f} ms" if taken is not None else "not measured lately"
            told = f"{reason} ({pace}, p={chance[model.name]:.2f})"
            attempt = yield decision(self._spec, request, model, told, costs.get(model.name))
            caps.note(attempt)
            if attempt.status is Status.REJECTED:
                left.sort(key=lambda other: chance[other.name] <= chance[model.name])
            attempt = yield from tries.after(attempt, left[0] if left else None)
            if not left or ends_it(attempt) or not caps.allow(costs.get(left[0].name, 0)):
                return
            reason = f"after {model.name}"

    def _taken(self, request: Request, features: Features, model: Model) -> float | None:
        if request.stream:
            return features.moment.get(f"first_token:{model.name}")
        return probable_ms(features, model)
