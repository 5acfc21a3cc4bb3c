"""The budgets in force: which of them apply to a request, and on which accounts they are kept."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from policies.budgets.counters import Account
from policies.budgets.windows import KEPT, Calendar, Window
from router.budget import Budget, BudgetScope, Standing, Unit
from router.types import Principal

NEVER = 4_102_444_800.0
"""The year 2100: when an account without an end is forgotten."""

NANO = 1000
"""Picodollars in a nano-dollar, for counters that cannot count beyond 2**53."""

UNITS = tuple(Unit)
"""In the order in which amounts of all three are given: money first."""

REMEMBERED = 10_000
"""Names, and callers, whose lines are kept ready."""

Labels: TypeAlias = tuple[
    str | None, str | None, str | None, tuple[str, ...], str | None, str | None, tuple[str, ...]
]
"""A caller as far as budgets look at one: key, team, user, tags, run, session and the key's parents."""

Own: TypeAlias = tuple[tuple[str, tuple[Budget, ...]], ...]
"""The limits that stand on keys themselves, by the key."""


class Line(NamedTuple):
    """One limit of a budget as it applies to somebody: `of` is who, `account` the start of its key.

    `place` is that of the unit in `UNITS`: enums are slow to hash, and a call looks at ten lines.
    """

    budget: Budget
    of: str
    unit: Unit
    place: int
    limit: int
    account: str
    lasting: bool
    per: str
    grain: int


class Applying:
    """The limits that apply to somebody; `places` are those of their units in `UNITS`."""

    __slots__ = ("_accounts", "_windows", "lines", "places")

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = tuple(lines)
        self.places = tuple(line.place for line in self.lines)
        self._windows: Mapping[str, Window] | None = None
        self._accounts: tuple[Account, ...] = ()

    def accounts(self, calendar: Calendar, now: float) -> tuple[Account, ...]:
        """The accounts that they are kept on now, each for its limit."""
        windows = calendar.windows(now)
        if windows is not self._windows:
            forgotten = now + KEPT
            self._windows = windows
            self._accounts = tuple(
                Account(
                    line.account + (window := windows[line.per]).name,
                    line.limit,
                    window.ends or (NEVER if line.lasting else forgotten),
                    line.grain,
                )
                for line in self.lines
            )
        return self._accounts

    def amounts(self, each: Sequence[int]) -> list[int]:
        """Say what is wanted of each account, given what is wanted of each unit."""
        return [each[place] for place in self.places]


def _own(who: Principal, label: str | None) -> Sequence[str]:
    """A label that callers choose is theirs alone: another key's run of the same name is another run."""
    return (f"{who.key or ''}/{label}",) if label else ()


WHO: Mapping[BudgetScope, Callable[[Principal], Iterable[str]]] = MappingProxyType(
    {
        BudgetScope.ALL: lambda _who: ("",),
        BudgetScope.TEAM: lambda who: (who.team,) if who.team else (),
        BudgetScope.USER: lambda who: (who.user,) if who.user else (),
        BudgetScope.KEY: lambda who: (who.key, *who.parents) if who.key else (),
        BudgetScope.TAG: lambda who: dict.fromkeys(who.tags),  # each once
        BudgetScope.RUN: lambda who: _own(who, who.run),
        BudgetScope.SESSION: lambda who: _own(who, who.session),
    }
)
"""Whose accounts a request is booked to; those of the request itself and of the provider come later."""


CHOSEN = frozenset({BudgetScope.RUN, BudgetScope.SESSION})
"""Whose names callers choose, without end."""


class Ruleset:
    """The budgets in force, and which of them apply.

    `of_key` gives the limits that stand on a key itself.
    """

    def __init__(
        self,
        budgets: Sequence[Budget],
        *,
        of_key: Callable[[str], Sequence[Budget]] = lambda _name: (),
        calendar: Calendar | None = None,
    ) -> None:
        self._by_scope = {
            scope: found for scope in BudgetScope if (found := tuple(b for b in budgets if b.scope is scope))
        }
        self._of_key = of_key
        self.calendar = calendar or Calendar()
        self._lines = lru_cache(REMEMBERED)(self._find)
        self._known = lru_cache(REMEMBERED)(self._apply)

    def applying(self, who: Principal, provider: str | None = None) -> Applying:
        """Every limit that applies, whatever model is asked, and those of what a provider may be given."""
        own: Own = ()
        if who.key is not None:
            names = (who.key, *who.parents)
            own = tuple((name, tuple(found)) for name in names if (found := self._of_key(name)))
        labels = (who.key, who.team, who.user, who.tags, who.run, who.session, who.parents)
        return self._known(labels, provider if self.has_providers else None, own)

    def within_request(self) -> Sequence[Line]:
        """The limits of every single request."""
        return self._lines(BudgetScope.REQUEST, "") if BudgetScope.REQUEST in self._by_scope else ()

    def standing(self, line: Line, count: tuple[int, int], now: float) -> Standing:
        """Say how a limit stands."""
        budget = line.budget
        ends = None if budget.scope is BudgetScope.REQUEST else self.calendar.window(budget.per, now).ends
        return Standing(
            budget=budget.name,
            scope=budget.scope,
            of=line.of,
            unit=line.unit,
            per=budget.per,
            limit=line.limit,
            spent=count[0],
            held=count[1],
            resets=datetime.fromtimestamp(ends, UTC) if ends is not None else None,
        )

    @property
    def has_providers(self) -> bool:
        """Whether it matters whom a request is given to."""
        return BudgetScope.PROVIDER in self._by_scope

    def _apply(self, labels: Labels, provider: str | None, own: Own) -> Applying:
        key, team, user, tags, run, session, parents = labels
        who = Principal(key=key, team=team, user=user, tags=tags, run=run, session=session, parents=parents)
        lines: list[Line] = []
        for scope in self._by_scope:
            if scope in WHO:
                for name in WHO[scope](who):
                    lines += self._lines(scope, name)
        for name, budgets in own:
            for budget in budgets:
                lines += _lines(budget, name)
        if provider is not None:
            lines += self._lines(BudgetScope.PROVIDER, provider)
        return Applying(lines)

    def _find(self, scope: BudgetScope, name: str) -> tuple[Line, ...]:
        label = name.partition("/")[2] if scope in CHOSEN else name
        found = [b for b in self._by_scope[scope] if b.match is None or label in b.match]
        return tuple(line for budget in found for line in _lines(budget, name))


def _lines(budget: Budget, name: str) -> tuple[Line, ...]:
    return tuple(
        Line(
            budget,
            name,
            unit,
            UNITS.index(unit),
            limit,
            f"{budget.name}|{name}|{unit}|",
            budget.scope not in CHOSEN,
            budget.per.value,
            NANO if unit is Unit.USD else 1,
        )
        for unit, limit in budget.limits
    )
