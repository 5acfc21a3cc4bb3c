"""Hard limits: each rule says why a model may not serve a request, or `None`.

A rule is a function of a request, what is told of it, and a model.
One that can tell quickly that it strikes out none, or of many models at once, has `strikes` too.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from policies.candidates import UNKNOWN_WINDOW, Candidates, Flags
from policies.estimate import expected_cost
from policies.language import PolicySpec
from policies.selectors import Deny, denied, selection_of, unmet
from router.seams import Rule
from router.types import DOLLAR, Capability, Features, Model, Picodollars, Request

IMPLIED = MappingProxyType({Capability.JSON_OBJECT: Capability.JSON_SCHEMA})
"""What is had with another capability: who follows a schema can write an object."""

RuleMaker: TypeAlias = Callable[[PolicySpec], Rule]

Reasons: TypeAlias = dict[str, str]


Sieve: TypeAlias = Callable[[Request, Features, Candidates], Reasons]
"""Gives a reason for each of many models that is struck out."""


@runtime_checkable
class Quick(Protocol):
    """A rule that tells of many models at once."""

    def strikes(self, request: Request, features: Features, models: Candidates, /) -> Reasons: ...


def sieve(rule: Rule) -> Sieve:
    """Give what asks a rule of many models: its own way, or one by one."""
    if isinstance(rule, Quick):
        return rule.strikes
    return partial(each, rule)


def each(rule: Rule, request: Request, features: Features, models: Iterable[Model]) -> Reasons:
    """Ask a rule of one model after another."""
    return {m.name: reason for m in models if (reason := rule(request, features, m)) is not None}


def _suspected(models: Candidates, suspects: Flags) -> list[Model]:
    return [models.models[place] for place in np.flatnonzero(suspects).tolist()]


class InScope:
    """Strike out models that the caller's key may not be answered by."""

    def __call__(self, request: Request, features: Features, model: Model, /) -> str | None:  # noqa: ARG002
        allowed = request.principal.scopes.models
        if allowed is None or model.name in allowed:
            return None
        return f"the key {request.principal.key!r} is not for it"

    def strikes(self, request: Request, features: Features, models: Candidates, /) -> Reasons:
        if request.principal.scopes.models is None:
            return {}
        return each(self, request, features, models)


class CanDo:
    """Strike out models that lack, or are not known to have, what the request needs."""

    def __call__(self, request: Request, features: Features, model: Model, /) -> str | None:  # noqa: ARG002
        missing = sorted(
            need
            for need in request.needs
            if need not in model.capabilities and IMPLIED.get(need) not in model.capabilities
        )
        return f"not known to support {', '.join(missing)}" if missing else None


class FitsContext:
    """Strike out models whose window cannot hold the prompt and the answer that is allowed or expected."""

    def __call__(self, request: Request, features: Features, model: Model, /) -> str | None:
        window = model.context_window or UNKNOWN_WINDOW
        limit, expected = request.limits.output_tokens, features.predictions[model.name].output_tokens
        answer = round(expected) if limit is None else limit
        needed = features.window_tokens + answer
        if needed <= window:
            return None
        stated = "" if model.context_window else " (not stated, so taken as the least usual)"
        return f"needs about {needed} tokens, its context window has {window}{stated}"

    def strikes(self, request: Request, features: Features, models: Candidates, /) -> Reasons:
        limit, prompt = request.limits.output_tokens, features.window_tokens
        if limit is not None and prompt + limit <= models.shortest:
            return {}
        answers = np.rint(models.foreseen(features.predictions).tokens) if limit is None else limit
        return each(self, request, features, _suspected(models, prompt + answers > models.windows))


class WithinCost:
    """Strike out models that are expected to cost more than the policy, or the request itself, allows."""

    def __init__(self, ceiling: Picodollars | None) -> None:
        self.ceiling = ceiling

    def __call__(self, request: Request, features: Features, model: Model, /) -> str | None:
        ceilings = [limit for limit in (self.ceiling, request.limits.cost) if limit is not None]
        if not ceilings:
            return None
        cost = expected_cost(request, features, model)
        if cost is None:
            return "its price is unknown, so no cost ceiling can be kept"
        if cost <= min(ceilings):
            return None
        return f"expected to cost ${cost / DOLLAR:.6f}, the ceiling is ${min(ceilings) / DOLLAR:.6f}"

    def strikes(self, request: Request, features: Features, models: Candidates, /) -> Reasons:
        ceilings = [limit for limit in (self.ceiling, request.limits.cost) if limit is not None]
        if not ceilings:
            return {}
        # Asked again below, in whole numbers: here a hair too many may be suspected.
        dear = models.costs(request, features) * (1.0 + 1e-9) > min(ceilings)
        return each(self, request, features, _suspected(models, dear | ~models.priced))


class Healthy:
    """Strike out models that are resting."""

    def __call__(self, request: Request, features: Features, model: Model, /) -> str | None:  # noqa: ARG002
        left = features.moment.get(f"resting:{model.name}")
        return f"failed repeatedly and rests for another {left:.0f} s" if left else None

    def strikes(self, request: Request, features: Features, models: Candidates, /) -> Reasons:
        if not features.moment:
            return {}
        return each(self, request, features, models)


@dataclass(frozen=True, slots=True)
class SoonEnough:
    """Strike out models that have lately taken long until their first token; what was not measured passes."""

    limit: float | None

    def __call__(self, request: Request, features: Features, model: Model, /) -> str | None:  # noqa: ARG002
        taken = features.moment.get(f"first_token:{model.name}")
        if self.limit is None or taken is None or taken <= self.limit:
            return None
        return f"has lately taken {taken:.0f} ms until its first token, the limit is {self.limit:.0f} ms"

    def strikes(self, request: Request, features: Features, models: Candidates, /) -> Reasons:
        if self.limit is None or not features.moment:
            return {}
        return each(self, request, features, models)


@dataclass(frozen=True, slots=True)
class InTime:
    """Strike out models that would probably end after the deadline; what was not measured passes.

    What has passed of it since the call came is in `features.moment["elapsed"]`, in milliseconds.
    """

    deadline: float | None

    def __call__(self, request: Request, features: Features, model: Model, /) -> str | None:  # noqa: ARG002
        if self.deadline is None:
            return None
        left = self.deadline - features.moment.get("elapsed", 0.0)
        if left <= 0:
            return f"the deadline of {self.deadline:.0f} ms has passed"
        taken = probable_ms(features, model)
        if taken is None or taken <= left:
            return None
        return f"would probably take {taken:.0f} ms, of the deadline {left:.0f} ms are left"

    def strikes(self, request: Request, features: Features, models: Candidates, /) -> Reasons:
        if self.deadline is None:
            return {}
        return each(self, request, features, models)


def probable_ms(features: Features, model: Model) -> float | None:
    """How long the whole answer will probably take, by what was measured lately; `None`: nothing was."""
    first = features.moment.get(f"first_token:{model.name}")
    speed = features.moment.get(f"speed:{model.name}")
    if first is None:
        return None
    return first + (features.predictions[model.name].output_tokens / speed * 1000 if speed else 0.0)


RULES: Mapping[str, RuleMaker] = MappingProxyType(
    {
        "can_do": lambda _spec: CanDo(),
        "in_scope": lambda _spec: InScope(),
        "fits_context": lambda _spec: FitsContext(),
        "within_cost": lambda spec: WithinCost(
            int(spec.max_cost_usd * DOLLAR) if spec.max_cost_usd is not None else None
        ),
        "soon_enough": lambda spec: SoonEnough(spec.max_first_token_ms),
        "in_time": lambda spec: InTime(spec.deadline_ms),
        "healthy": lambda _spec: Healthy(),
    }
)
"""In the order they are asked, after `TERMS`; the first reason is the one that is told."""

PASSING = frozenset({"soon_enough", "in_time", "healthy"})
"""Rules whose reasons pass: the same request may be served later, and they are asked before each hop."""

Term: TypeAlias = Callable[[PolicySpec, Deny, Model, date], str | None]


def _not_denied(_spec: PolicySpec, deny: Deny, model: Model, _on: date) -> str | None:
    return denied(deny, model)


def _known(spec: PolicySpec, _deny: Deny, model: Model, on: date) -> str | None:
    return unmet(selection_of(spec.models).where, model, on)


def _priced(spec: PolicySpec, _deny: Deny, model: Model, _on: date) -> str | None:
    if model.prices is not None or spec.on_unpriced == "allow":
        return None
    return "its price is unknown (set `price`, or `on_unpriced: allow`)"


TERMS: Mapping[str, Term] = MappingProxyType({"not_denied": _not_denied, "facts": _known, "priced": _priced})
"""What depends on the model and the day alone, and is decided once a day, not once a request."""
