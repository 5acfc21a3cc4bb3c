"""`extends:` a policy is like another where it says nothing itself.

Mappings are joined, setting by setting; anything else, lists too, is what the extending policy says.
A list of `models` is joined as their `names`, so that what the base demands of every model is not lost.
`when`, `description` and `extends` are not inherited.
A policy may extend another of the file, or a preset (`policies/presets/`);
one that has a preset's name extends the preset by it.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

NOT_INHERITED = frozenset({"when", "description", "extends"})


class NoBase(Exception):
    """There is no such policy or preset, or it extends itself."""


@cache
def presets() -> Mapping[str, Mapping[str, Any]]:
    """Read the presets, by name: what a policy may say, as plain values."""
    folder = files("policies") / "presets"
    return {
        entry.name.removesuffix(".yaml"): yaml.safe_load(entry.read_text(encoding="utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".yaml") and not entry.name.endswith(".test.yaml")
    }


def extended(policies: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Fill in what policies have from those they extend.

    Returns them with, for each policy that cannot be filled in, its name and why; that one is left as it is.
    What is no mapping is left to whoever checks the shape.
    """
    filled: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for name, policy in policies.items():
        try:
            filled[name] = _filled(name, policy, policies, ())
        except NoBase as error:
            filled[name] = policy
            wrong.append((name, str(error)))
    return filled, wrong


def _filled(name: str, policy: Any, policies: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    if not isinstance(policy, Mapping) or not isinstance(policy.get("extends"), str):
        return policy
    base = policy["extends"]
    if base == name or (base not in policies and base in presets()):
        if base not in presets():
            raise NoBase("a policy cannot extend itself; only one with the name of a preset extends that")
        inherited: Any = presets()[base]
    elif base in (*path, name):
        raise NoBase(f"goes in a circle: {' -> '.join((*path, name, base))}")
    elif base not in policies:
        raise NoBase(f"there is no policy or preset {base!r}")
    else:
        inherited = _filled(base, policies[base], policies, (*path, name))
    if not isinstance(inherited, Mapping):
        return policy
    kept = {key: value for key, value in inherited.items() if key not in NOT_INHERITED}
    return joined(kept, policy)


def joined(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Lay `own` over `base`; mappings that both have are joined in the same way."""
    result = dict(base)
    for key, value in own.items():
        under = result.get(key)
        if key == "models" and isinstance(under, Mapping) and isinstance(value, list | tuple):
            value = {"names": value}  # noqa: PLW2901 - the long form of the same
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        result[key] = joined(under, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return result


def bases(policies: Mapping[str, Any]) -> Iterator[str]:
    """Name everything that can be extended."""
    yield from policies
    yield from presets()
