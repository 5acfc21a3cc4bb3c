"""What can be told of conditions without a request: one that never holds, one that another always precedes.

Sound, not complete: what is reported is so, but not everything that is so is reported.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policies.conditions import Condition
from policies.matching import Range, is_wild, matcher, several

SINGLE = frozenset({"key", "team", "user", "model", "dialect", "role", "language"})
"""What a request has one of, so that two different names of it cannot both be so."""


def shadowing(conditions: Mapping[str, Condition]) -> Iterator[tuple[str, str]]:
    """Give each name whose condition cannot be reached, with the earlier one that has all its requests."""
    earlier: list[tuple[str, Condition]] = []
    for name, condition in conditions.items():
        taken = next((other for other, wider in earlier if implies(condition, wider)), None)
        if taken is not None:
            yield name, taken
        earlier.append((name, condition))


def implies(narrow: Condition, wide: Condition) -> bool:
    """Tell whether every request of `narrow` is one of `wide`, as far as the two show it."""
    return all(_goal(narrow, goal) for goal in _goals(wide))


def _goals(wide: Condition) -> Iterator[Any]:
    yield from wide.leaves
    for each in wide.all or ():
        yield from _goals(each)
    if wide.any is not None:
        yield wide.any
    if wide.not_ is not None:
        yield wide.not_


def _goal(narrow: Condition, goal: Any) -> bool:
    if _has(narrow, goal):
        return True
    if any(_goal(each, goal) for each in narrow.all or ()):
        return True
    return narrow.any is not None and all(_goal(each, goal) for each in narrow.any)


def _has(narrow: Condition, goal: Any) -> bool:
    match goal:
        case Condition():  # the other says: not this
            return narrow.not_ is not None and implies(goal, narrow.not_)
        case (str(name), wanted):
            return any(name == own and covers(name, value, wanted) for own, value in narrow.leaves)
        case _:
            return any(implies(narrow, each) for each in goal)


def covers(name: str, narrow: Any, wide: Any) -> bool:
    """Tell whether whatever fits the value `narrow` of a line fits `wide`."""
    if isinstance(narrow, Range):
        return narrow.within(wide)
    if isinstance(narrow, dict):
        return all(key in narrow and covers("", narrow[key], value) for key, value in wide.items())
    if isinstance(narrow, bool) or name == "time":
        return bool(narrow == wide)
    if name == "needs":
        return set(wide) <= set(narrow)
    return _names_within(several(narrow), several(wide))


def _names_within(narrow: Sequence[str], wide: Sequence[str]) -> bool:
    fits = matcher(wide)
    return all(name in wide or "*" in wide or (not is_wild(name) and fits(name)) for name in narrow)


def contradiction(condition: Condition) -> str | None:
    """Say which two lines can never both hold, or `None`."""
    facts = list(_demanded(condition))
    for index, (name, value) in enumerate(facts):
        for other, wanted in facts[index + 1 :]:
            if name == other and _apart(name, value, wanted):
                return f"can never hold: {name!r} would have to be {_shown(value)} and {_shown(wanted)}"
    for name, value in facts:
        if condition.not_ is not None and implies(_only(name, value), condition.not_):
            return f"can never hold: {name!r} is wanted and excluded"
    inner = [contradiction(each) for each in condition.any or ()]
    return inner[0] if inner and all(inner) else None


def _demanded(condition: Condition) -> Iterator[tuple[str, Any]]:
    yield from condition.leaves
    for each in condition.all or ():
        yield from _demanded(each)


def _only(name: str, value: Any) -> Condition:
    return Condition(**{"schema_" if name == "schema" else name: value})


def _apart(name: str, one: Any, two: Any) -> bool:
    if isinstance(one, bool):
        return bool(one != two)
    if isinstance(one, Range):
        return _beyond(one, two) or _beyond(two, one)
    if name not in SINGLE:
        return False
    first, second = several(one), several(two)
    if any(is_wild(each) for each in (*first, *second)):
        return False
    return set(first).isdisjoint(second)


def _beyond(low: Range, high: Range) -> bool:
    if high.at_least is None:
        return False
    return (low.at_most is not None and low.at_most < high.at_least) or (
        low.below is not None and low.below <= high.at_least
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, Range) else ", ".join(several(value))
