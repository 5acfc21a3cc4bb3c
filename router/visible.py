"""The rules in force, as the owner of a key may see them."""

from collections.abc import Mapping
from typing import Any

from policies.conditions import Condition
from policies.language import DEFAULT_POLICY
from policies.matching import matcher, several
from policies.policy import RoutedPolicy
from router.config import AUTO, Config
from router.door import may_see
from router.types import Features, Principal

OTHERS = "(others)"
"""What stands in a condition for the names of other people's keys, teams and users."""


def visible(
    config: Config, policies: Mapping[str, RoutedPolicy], who: Principal, fingerprint: str
) -> dict[str, Any]:
    """Tell the policies that a key may ask for, with what each strikes out today and why."""
    shown = {name: policy for name, policy in policies.items() if may_see(who, _asked(name))}
    return {
        "object": "farthing.policy",
        "config": fingerprint,
        "key": who.key,
        "policies": {name: _policy(policy, who) for name, policy in shown.items()},
        "aliases": dict(config.aliases),
        "deny": config.deny.model_dump(mode="json"),
    }


def _asked(name: str) -> str:
    return AUTO if name == DEFAULT_POLICY else f"{AUTO}:{name}"


def _policy(policy: RoutedPolicy, who: Principal) -> dict[str, Any]:
    spec = policy.spec.model_dump(mode="json", exclude_none=True, by_alias=True, exclude={"when"})
    if policy.spec.when is not None:
        spec["when"] = _redacted(policy.spec.when, who).model_dump(
            mode="json", exclude_none=True, by_alias=True
        )
    barred = policy.barred(Features(prompt_tokens=0, predictions={}))
    return spec | {
        "may_serve": [model.name for model in policy.models if model.name not in barred],
        "struck_out": {name: str(refusal) for name, refusal in barred.items()},
    }


def _redacted(condition: Condition, who: Principal) -> Condition:
    """Leave out of a condition who else it speaks of."""
    own = {"key": who.key, "team": who.team, "user": who.user}
    changed: dict[str, Any] = {}
    for name, mine in own.items():
        names = several(getattr(condition, name))
        if names:
            kept = tuple(each for each in names if matcher([each])(mine))
            changed[name] = kept + ((OTHERS,) if len(kept) < len(names) else ())
    for name in ("all", "any"):
        inner = getattr(condition, name)
        if inner is not None:
            changed[name] = tuple(_redacted(each, who) for each in inner)
    if condition.not_ is not None:
        changed["not_"] = _redacted(condition.not_, who)
    return condition.model_copy(update=changed)
