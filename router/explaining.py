"""A decision in words and numbers: what would be tried, what is struck out and by which rules."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from policies.estimate import expected_cost
from policies.outlook import walked
from policies.policy import RoutedPolicy
from router.app import Household
from router.catalog.money import usd_text
from router.errors import Refusal
from router.seams import Policy
from router.types import Decision, Features, Request, Verdict


def explained(house: Household, request: Request, features: Features, policy: Policy) -> dict[str, Any]:
    """Tell of a request which policy it gets, what would be tried in which order, and why not the rest."""
    chosen = policy.choose(request, features)
    plan, refused = chosen.plan(request, features)
    steps = () if plan is None else walked(plan, features, _condemned)
    order = [_row(request, features, decision) for decision in steps]
    told = _refusals(chosen, request, features, refused)
    return {
        "asked": request.asked,
        "policy": chosen.name,
        "when": _when(house, chosen),
        "prompt_tokens": features.prompt_tokens,
        "needs": sorted(request.needs),
        "labels": dict(request.labels),
        "vector": features.vector,
        "refused": {model: str(refusal) for model, refusal in refused.items()},
        "rules": told,
        "relaxation": _cheapest(request, features, told, {model.name: model for model in house.catalog}),
        "order": order,
    }


def _condemned(_: Decision) -> Verdict:
    return Verdict(check="a check", passed=False, reason="no")


def _when(house: Household, chosen: Policy) -> Any:
    spec = house.config.policies.get(chosen.name)
    if spec is None or spec.when is None:
        return None
    return spec.when.model_dump(exclude_none=True, by_alias=True, mode="json")


def _refusals(
    chosen: Policy, request: Request, features: Features, refused: Mapping[str, Refusal]
) -> dict[str, list[dict[str, str]]]:
    """Give for each model that is struck out every rule that does, not only the first."""
    if not isinstance(chosen, RoutedPolicy):
        return {}
    models = {model.name: model for model in chosen.models}
    found = {
        name: [
            {"rule": rule, "reason": reason}
            for rule, reason in chosen.reasons(request, features, models[name])
        ]
        if name in models
        else []
        for name in refused
    }
    return {
        name: rules or [{"rule": refused[name].rule, "reason": refused[name].reason}]
        for name, rules in found.items()
    }


def _cheapest(
    request: Request, features: Features, told: Mapping[str, list[dict[str, str]]], models: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The struck-out model that fewest rules refuse, the cheapest of these: what would have to give way."""
    told = {name: rules for name, rules in told.items() if name in features.predictions}
    if not told:
        return None
    costs = {name: expected_cost(request, features, models[name]) for name in told}

    def rank(name: str) -> tuple[int, bool, int, str]:
        cost = costs[name]
        return len(told[name]), cost is None, cost or 0, name

    name = min(told, key=rank)
    cost = costs[name]
    return {
        "model": name,
        "rules": told[name],
        "expected_cost_usd": usd_text(cost) if cost is not None else None,
    }


def _row(request: Request, features: Features, decision: Decision) -> dict[str, Any]:
    model = decision.model
    prediction = features.predictions[model.name]
    cost = expected_cost(request, features, model)
    return {
        "model": model.name,
        "upstream": model.upstream,
        "success": round(prediction.success, 4),
        "output_tokens": round(prediction.output_tokens),
        "expected_cost_usd": usd_text(cost) if cost is not None else None,
        "reason": decision.reason,
        "checks": list(decision.checks),
        "release": str(decision.release),
        "variant": decision.variant,
    }


def measured(house: Household, request: Request, policy: Policy, **told: Any) -> Features:
    """Tell what can be told of a request, but for what is `told`."""
    features, *_ = house.pipeline.plan(request, policy)
    return replace(features, **told)
