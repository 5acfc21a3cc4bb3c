"""A policy at work: its rules strike out models, its strategy orders the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from policies.bearings import Bearings
from policies.cascade import Cascade
from policies.cheapest_adequate import CheapestAdequate
from policies.language import PolicySpec
from policies.meters import Health
from policies.pinned import Pinned
from policies.rules import RULES
from policies.standing import latched
from router.seams import Evaluator, Plan, Strategy
from router.types import NOTHING, Features, Model, Release, Request

STRATEGIES: Mapping[str, Callable[[PolicySpec], Strategy]] = MappingProxyType(
    {"cheapest_adequate": CheapestAdequate, "cascade": Cascade, "pinned": Pinned}
)

ALWAYS_FOR_PINNED = frozenset({"priced", "within_cost"})
"""Whoever names a model has decided what it can do; what it may cost still holds."""


class RoutedPolicy:
    """A `PolicySpec` over the models of a catalogue; keeps the state of no request."""

    def __init__(
        self,
        name: str,
        spec: PolicySpec,
        models: Sequence[Model],
        *,
        health: Health,
        strongest: Model | None,
        evaluators: Mapping[str, Evaluator] = NOTHING,
        bearings: Bearings | None = None,
    ) -> None:
        self.name, self.spec, self.strongest, self.evaluators = name, spec, strongest, evaluators
        self._models, self._bearings = tuple(models), bearings
        skipped = RULES.keys() - ALWAYS_FOR_PINNED if spec.strategy == "pinned" else frozenset()
        self._rules = {rule: make(spec, health) for rule, make in RULES.items() if rule not in skipped}
        self._strategy = STRATEGIES[spec.strategy](spec)

    def candidates(self, request: Request, /) -> Sequence[Model]:  # noqa: ARG002 - policies may yet look at it
        return self._models

    def plan(self, request: Request, features: Features, /) -> tuple[Plan | None, Mapping[str, str]]:
        """Strike out and order.

        If only resting models are left they are asked after all: a last resort is better than none
        (Envoy's panic threshold).
        """
        refused: dict[str, str] = {}
        resting: list[Model] = []
        allowed: list[Model] = []
        for model in self._models:
            rule, reason = self._first_reason(request, features, model)
            if reason is None:
                allowed.append(model)
            else:
                refused[model.name] = reason
                if rule == "healthy":
                    resting.append(model)
        if not allowed:
            for model in resting:
                del refused[model.name]
            allowed = resting
        if self._bearings is not None and allowed:
            told = self._bearings.moment(self.name, self.spec, request, features)
            if told:
                features = replace(features, moment={**features.moment, **told})
                kept, weak = latched(features, allowed)
                allowed, refused = list(kept), {**refused, **weak}
        plan = self._strategy(request, features, allowed) if allowed else None
        return plan, refused

    def _first_reason(self, request: Request, features: Features, model: Model) -> tuple[str, str | None]:
        for name, rule in self._rules.items():
            reason = rule(request, features, model)
            if reason is not None:
                return name, reason
        return "", None


def pinned_to(model: Model, base: PolicySpec, *, health: Health, strongest: Model | None) -> RoutedPolicy:
    """The policy of a request that names its model: relayed and unchecked, at `base`'s other terms."""
    spec = base.model_copy(
        update={
            "strategy": "pinned",
            "checks": (),
            "stream_release": Release.RELAYED,
            "models": (model.name,),
        }
    )
    return RoutedPolicy("pinned", spec, (model,), health=health, strongest=strongest)
