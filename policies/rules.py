"""Hard limits: each rule says why a model may not serve a request, or `None`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from policies.estimate import expected_cost
from policies.language import PolicySpec
from policies.meters import Health
from router.seams import Rule
from router.types import DOLLAR, Capability, Features, Model, Picodollars, Request

UNKNOWN_WINDOW = 8192
"""What a context window is taken for that nobody states: the least among models served today."""

IMPLIED = MappingProxyType({Capability.JSON_OBJECT: Capability.JSON_SCHEMA})
"""What is had with another capability: who follows a schema can write an object."""

RuleMaker: TypeAlias = Callable[[PolicySpec, Health], Rule]


def can_do(request: Request, features: Features, model: Model, /) -> str | None:  # noqa: ARG001 - the seam
    """Strike out models that lack, or are not known to have, what the request needs."""
    missing = sorted(
        need
        for need in request.needs
        if need not in model.capabilities and IMPLIED.get(need) not in model.capabilities
    )
    return f"not known to support {', '.join(missing)}" if missing else None


def fits_context(request: Request, features: Features, model: Model, /) -> str | None:
    """Strike out models whose window cannot hold the prompt and the answer that is allowed or expected."""
    window = model.context_window or UNKNOWN_WINDOW
    answer = request.limits.output_tokens or round(features.predictions[model.name].output_tokens)
    needed = features.prompt_tokens + answer
    if needed <= window:
        return None
    stated = "" if model.context_window else " (not stated, so taken as the least usual)"
    return f"needs about {needed} tokens, its context window has {window}{stated}"


def priced(request: Request, features: Features, model: Model, /) -> str | None:  # noqa: ARG001 - the seam
    """Strike out models whose price is unknown: unknown is not free."""
    return None if model.prices is not None else "its price is unknown (set `price`, or `on_unpriced: allow`)"


class WithinCost:
    """Strike out models that are expected to cost more than the policy, or the request itself, allows."""

    def __init__(self, ceiling: Picodollars | None) -> None:
        self.ceiling = ceiling

    def __call__(self, request: Request, features: Features, model: Model, /) -> str | None:
        ceilings = [limit for limit in (self.ceiling, request.limits.cost) if limit is not None]
        cost = expected_cost(request, features, model)
        if not ceilings or (cost is not None and cost <= min(ceilings)):
            return None
        if cost is None:
            return "its price is unknown, so no cost ceiling can be kept"
        return f"expected to cost ${cost / DOLLAR:.6f}, the ceiling is ${min(ceilings) / DOLLAR:.6f}"


def _no_rule(request: Request, features: Features, model: Model, /) -> str | None:  # noqa: ARG001 - the seam
    return None


def _priced(spec: PolicySpec, health: Health) -> Rule:  # noqa: ARG001 - the table's signature
    return priced if spec.on_unpriced == "refuse" else _no_rule


def _within_cost(spec: PolicySpec, health: Health) -> Rule:  # noqa: ARG001 - the table's signature
    return WithinCost(int(spec.max_cost_usd * DOLLAR) if spec.max_cost_usd is not None else None)


RULES: Mapping[str, RuleMaker] = MappingProxyType(
    {
        "can_do": lambda _spec, _health: can_do,
        "fits_context": lambda _spec, _health: fits_context,
        "priced": _priced,
        "within_cost": _within_cost,
        "healthy": lambda _spec, health: health.rule,
    }
)
"""In the order they are asked; the first reason is the one that is told."""
