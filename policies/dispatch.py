"""Which policy a plain `auto` is for: the first whose `when` holds, and `default` if none does.

Conditions that name a caller, a team, a model and the like are found by that name, not asked in turn.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Generic, TypeVar

from policies.conditions import Condition
from policies.matching import is_wild, several
from policies.predicates import Predicate, predicate
from router.types import Features, Request

T = TypeVar("T")

INDEXED: Mapping[str, Callable[[Request], str | None]] = MappingProxyType(
    {
        "key": lambda request: request.principal.key,
        "team": lambda request: request.principal.team,
        "user": lambda request: request.principal.user,
        "model": lambda request: request.asked,
        "role": lambda request: request.labels.get("role"),
        "language": lambda request: request.labels.get("language"),
        "dialect": lambda request: request.dialect,
    }
)
"""What a condition may be found by, the most telling first."""


class Dispatch(Generic[T]):
    """Finds the first of some things whose condition holds."""

    def __init__(self, choices: Sequence[tuple[Condition, T]], otherwise: T) -> None:
        self._otherwise = otherwise
        self._choices: list[tuple[Predicate, T]] = []
        self._anyone: list[int] = []
        self._by: dict[str, dict[str, list[int]]] = {}
        for position, (condition, choice) in enumerate(choices):
            self._choices.append((predicate(condition), choice))
            self._enter(position, condition)
        self._lookups = [(INDEXED[name], table) for name, table in self._by.items()]

    def _enter(self, position: int, condition: Condition) -> None:
        said = dict(condition.leaves)
        for name in INDEXED:
            names = several(said.get(name))
            if names and not any(is_wild(each) for each in names):
                for each in names:
                    self._by.setdefault(name, {}).setdefault(each, []).append(position)
                return
        self._anyone.append(position)

    def __call__(self, request: Request, features: Features) -> T:
        """Give the choice for a request."""
        found: list[int] = []
        for of, table in self._lookups:
            found += table.get(of(request) or "", ())
        for position in sorted(found + self._anyone) if found else self._anyone:
            holds, choice = self._choices[position]
            if holds(request, features):
                return choice
        return self._otherwise


def labels_used(conditions: Sequence[Condition]) -> tuple[frozenset[str], frozenset[str]]:
    """Name what conditions ask of a request that no field of it tells: labels, and headers."""
    used = [line for condition in conditions for line in condition.uses()]
    headers = frozenset(name for line, wanted in used if line == "header" for name in wanted)
    return frozenset(line for line, _ in used) & {"role", "language"}, headers
