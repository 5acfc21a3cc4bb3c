"""A control arm: a few requests, drawn by chance, are served as if there were no routing.

What they cost and how they fared is what routing is measured against (`farthing report --prove`):
a comparison that is computed can be wrong, one with a drawn control is off by chance alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from policies.estimate import expected_cost
from policies.language import PolicySpec
from policies.steps import decision, ends_it
from router.seams import Plan, Strategy
from router.types import Arm, Decision, Features, Model, Request, Status


class Controlled:
    """Wraps a strategy; `draw` gives numbers evenly spread over [0, 1).

    Only requests that the strongest model may serve take part, on either side: the rest cannot be compared.
    A control is asked once and judged by the same checks; what they think of it changes nothing.
    If its upstream fails the strategy takes over, and it stays a control: people want their answer.
    """

    def __init__(
        self, strategy: Strategy, spec: PolicySpec, strongest: Model | None, draw: Callable[[], float]
    ) -> None:
        self._strategy, self._spec, self._strongest, self._draw = strategy, spec, strongest, draw

    def __call__(self, request: Request, features: Features, candidates: Sequence[Model], /) -> Plan:
        control = self._spec.control
        strongest = next((m for m in candidates if self._strongest and m.name == self._strongest.name), None)
        if control is None or strongest is None:
            yield from self._strategy(request, features, candidates)
            return
        drawn = self._draw()
        if drawn >= control.share:
            routed = self._strategy(request, features, candidates)
            yield from _marked(routed, Arm.ROUTED, 1 - control.share)
            return
        pool = [strongest] if control.route == "baseline" else list(candidates)
        # What is left of the draw is evenly spread too: one number decides both.
        model = pool[int(drawn / control.share * len(pool))]
        cost = expected_cost(request, features, model)
        told = f"control: {control.route}"
        propensity = control.share / len(pool)
        first = decision(self._spec, request, model, told, cost, last=True)
        attempt = yield replace(first, arm=Arm.CONTROL, propensity=propensity)
        others = [other for other in candidates if other is not model]
        if attempt.status is Status.FAILED and not ends_it(attempt) and others:
            yield from _marked(self._strategy(request, features, others), Arm.CONTROL, propensity)


def cheapest(models: Sequence[Model]) -> Model | None:
    """The model of the lowest prices, as far as they are known."""
    priced = [
        (model.prices.input + model.prices.output, model.name, model) for model in models if model.prices
    ]
    return min(priced)[2] if priced else None


def _marked(plan: Plan, arm: Arm, propensity: float) -> Plan:
    """Follow a plan, its decisions marked."""

    def mark(step: Decision) -> Decision:
        return replace(step, arm=arm, propensity=propensity)

    try:
        step = next(plan)
        while True:
            attempt = yield mark(step)
            step = plan.send(attempt)
    except StopIteration:
        return
    finally:
        plan.close()
