"""What is wrong with policies: names that nothing has, conditions nobody meets, impossible demands."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Protocol

from policies.implication import contradiction, shadowing
from policies.language import DEFAULT_POLICY, PolicySpec
from policies.matching import is_wild, matcher, several
from policies.rules import TERMS
from policies.selectors import Deny, Selection, expired, listed, selection_of, unmet
from router.config.checks import wrong_checks
from router.config.fields import suggestion
from router.config.models import AUTO, ModelSettings
from router.config.problems import Path, Problem
from router.config.upstreams import UpstreamSettings
from router.seams import EvaluatorMaker
from router.types import Model

SHOWN = 6
"""Models whose refusals an error tells."""


class Catalogued(Protocol):
    """What a policy is held against."""

    @property
    def policies(self) -> Mapping[str, PolicySpec]: ...
    @property
    def deny(self) -> Deny: ...
    @property
    def models(self) -> Sequence[ModelSettings]: ...
    @property
    def upstreams(self) -> Mapping[str, UpstreamSettings]: ...
    def catalogue(self) -> Sequence[Model]: ...


def names_in_policies(
    policies: Mapping[str, PolicySpec],
    models: Collection[str],
    known_checks: Mapping[str, EvaluatorMaker] | None,
    mute: Collection[str] = (),
) -> Iterator[Problem]:
    """Find names of models and checks that there are not, and of those that are `mute`: that do not chat."""
    for name, policy in policies.items():
        path = ("policies", name)
        yield from _models(path, policy, models)
        yield from _weights(path, policy, models)
        if policy.audit is not None and policy.audit.model not in models:
            yield missing((*path, "audit", "model"), "model", policy.audit.model, models)
        if policy.baseline is not None and policy.baseline not in models:
            yield missing((*path, "baseline"), "model", policy.baseline, models)
        named = {"audit": policy.audit and policy.audit.model, "baseline": policy.baseline}
        for field, model in named.items():
            if model in mute:
                message = f"{model!r} does not chat: its row says what it serves"
                yield Problem(path=(*path, field), message=message)
        if known_checks is not None:
            chatting = [model for model in models if model not in mute]
            yield from wrong_checks((*path, "checks"), policy.checks, known_checks, chatting)


def _models(path: Path, policy: PolicySpec, models: Collection[str]) -> Iterator[Problem]:
    named = policy.models
    if named == ():
        yield Problem(path=(*path, "models"), message="is empty: leave it out to allow every model")
    at: Path = (*path, "models")
    if isinstance(named, Selection):
        at, named = (*at, "names"), None if named.names is None else several(named.names)
    for index, name in enumerate(named or ()):
        if is_wild(name):
            if not any(map(matcher([name]), models)):
                yield Problem(path=(*at, index), message=f"no model's name is like {name!r}")
        elif name not in models:
            yield missing((*at, index), "model", name, models)


def _weights(path: Path, policy: PolicySpec, models: Collection[str]) -> Iterator[Problem]:
    for name in policy.weights or ():
        if name not in models:
            yield missing((*path, "weights", name), "model", name, models, on_key=True)
    if policy.strategy == "weighted" and policy.weights is not None and not any(policy.weights.values()):
        yield Problem(path=(*path, "weights"), message="gives no model any weight")
    if policy.weights is not None and policy.strategy != "weighted":
        message = f"only counts with 'strategy: weighted'; here it is {policy.strategy!r}"
        yield Problem(path=(*path, "weights"), message=message, on_key=True)


def unreachable(policies: Mapping[str, PolicySpec]) -> Iterator[Problem]:
    """Find conditions that never hold, and those whose every request an earlier policy has."""
    conditions = {name: policy.when for name, policy in policies.items() if policy.when is not None}
    for name, condition in conditions.items():
        if name == DEFAULT_POLICY:
            message = "'default' has what no other policy does, so it takes no condition"
            yield Problem(path=("policies", name, "when"), message=message, on_key=True)
        elif said := contradiction(condition):
            yield Problem(path=("policies", name, "when"), message=said)
    for name, earlier in shadowing(conditions):
        message = f"is never reached: every request it is for is one for {earlier!r}, which stands before it"
        yield Problem(path=("policies", name, "when"), message=message, on_key=True)


def aliased(
    aliases: Mapping[str, str], models: Collection[str], policies: Collection[str]
) -> Iterator[Problem]:
    """Find aliases that lead nowhere, hide a model or are hidden."""
    targets = [AUTO, *(f"{AUTO}:{name}" for name in policies), *models]
    earlier: list[str] = []
    for alias, target in aliases.items():
        path = ("aliases", alias)
        if target not in targets:
            yield missing(path, "model or policy", target, targets)
        if alias == AUTO or alias.startswith(f"{AUTO}:"):
            yield Problem(path=path, message=f"{AUTO!r} cannot stand for anything else", on_key=True)
        if alias in models:
            message = f"{alias!r} is a model of the catalogue, and a name means the model that has it"
            yield Problem(path=path, message=message, on_key=True)
        taken = next((other for other in earlier if alias != other and matcher([other])(alias)), None)
        if taken is not None:
            message = f"is never reached: {taken!r}, which stands before it, fits as well"
            yield Problem(path=path, message=message, on_key=True)
        earlier.append(alias)


def denials(
    deny: Deny, models: Sequence[ModelSettings], upstreams: Mapping[str, UpstreamSettings]
) -> Iterator[Problem]:
    """Find names that are denied and that nothing has: a switch that switches nothing off."""
    names = [row.name for row in models]
    providers = {row.provider for row in models} | set(upstreams)
    providers |= {row.provider for row in upstreams.values() if row.kind != "simulated"}
    known = sorted(each for each in providers if each)
    for section, denied, there_are, noun in (
        ("models", deny.models, names, "model"),
        ("providers", deny.providers, known, "provider or upstream"),
    ):
        for index, name in enumerate(denied):
            if not any(map(matcher([name]), there_are)):
                yield missing(("deny", section, index), noun, name, there_are)


def impossible(config: Catalogued, *, complete: Callable[[Model], Model] | None) -> Iterator[Problem]:
    """Find policies whose demands no model of the catalogue is known to meet, however new the claims are.

    What is denied, too old or without a price is no mistake of the policy: see `doubts`.
    """
    if complete is None:
        return
    models = [complete(model) for model in config.catalogue()]
    for name, policy in config.policies.items():
        selection = selection_of(policy.models)
        ageless = selection.where.model_copy(update={"max_age_days": None})
        reasons = {each.name: unmet(ageless, each, date.max) for each in listed(selection, models)}
        if all(reasons.values()):
            at: Path = ("policies", name, "models", "where")
            nobody = "no model can ever serve this policy" if reasons else "selects no model"
            yield Problem(path=at, message=f"{nobody}{_told(reasons)}", on_key=True)


def doubts(config: Catalogued, *, complete: Callable[[Model], Model], today: date) -> Iterator[Problem]:
    """Find policies that today no model may serve, and claims that are too old for the policy that asks."""
    models = [complete(model) for model in config.catalogue()]
    for name, policy in config.policies.items():
        path = ("policies", name)
        where = selection_of(policy.models).where
        members = listed(selection_of(policy.models), models)
        reasons = {each.name: _barred(policy, config.deny, each, today) for each in members}
        if reasons and all(reasons.values()):
            message = f"today no model may serve this policy{_told(reasons)}"
            yield Problem(path=path, message=message, on_key=True)
        for model in members:
            old = [fact for fact in where.demands if fact in model.facts]
            for fact in (each for each in old if expired(model.facts[each], where, today)):
                claim = model.facts[fact]
                since = f"of {claim.as_of}" if claim.as_of else "without a date"
                message = (
                    f"the claim {fact!r} of {model.name} {since} is too old for policy {name!r}, "
                    f"where it counts for {where.max_age_days} days"
                )
                yield Problem(path=_claim(config, model, fact), message=message)


def _barred(policy: PolicySpec, deny: Deny, model: Model, today: date) -> str | None:
    said = (term(policy, deny, model, today) for term in TERMS.values())
    return next((each for each in said if each is not None), None)


def _claim(config: Catalogued, model: Model, fact: str) -> Path:
    """The place of a claim: in its model's row, in its upstream's, or nowhere in the file."""
    for index, row in enumerate(config.models):
        if row.name == model.name:
            at: Path = ("models", index, "facts")
            if row.facts is not None and getattr(row.facts, fact) is not None:
                return (*at, "as_of") if row.facts.as_of else (*at, fact)
    claims = config.upstreams[model.upstream].facts
    if claims is not None and getattr(claims, fact, None) is not None:
        return "upstreams", model.upstream, "facts", "as_of" if claims.as_of else fact
    return ("policies",)


def _told(reasons: Mapping[str, str | None]) -> str:
    if not reasons:
        return ""
    told = "; ".join(f"{name}: {reason}" for name, reason in list(reasons.items())[:SHOWN])
    more = f"; and {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
    return f" ({told}{more})"


def missing(path: Path, noun: str, name: str, known: Iterable[str], *, on_key: bool = False) -> Problem:
    """Say that there is nothing of that name, and what may have been meant."""
    return Problem(path=path, message=f"there is no {noun} {name!r}{suggestion(name, known)}", on_key=on_key)
