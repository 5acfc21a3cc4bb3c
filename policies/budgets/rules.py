"""The budgets in force: which of them apply to a request, and on which accounts they are kept."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from policies.budgets.counters import Claim, Count
from policies.budgets.windows import KEPT, Calendar
from router.budget import Budget, BudgetScope, Standing, Unit
from router.types import Principal

NEVER = 4_102_444_800.0
"""The year 2100: when an account without an end is forgotten."""

NANO = 1000
"""Picodollars in a nano-dollar, for counters that cannot count beyond 2**53."""

UNITS = tuple(Unit)
"""In the order in which amounts of all three are given: money first."""

REMEMBERED = 10_000
"""Names whose lines are kept ready."""


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
        self._own_lines = lru_cache(REMEMBERED)(_lines)

    def lines(self, who: Principal) -> list[Line]:
        """Every limit that applies whatever model is asked."""
        lines: list[Line] = []
        for scope in self._by_scope:
            if scope in WHO:
                for name in WHO[scope](who):
                    lines += self._lines(scope, name)
        for name in (who.key, *who.parents) if who.key is not None else ():
            for budget in self._of_key(name):
                lines += self._own_lines(budget, name)
        return lines

    def within_request(self) -> Sequence[Line]:
        """The limits of every single request."""
        return self._lines(BudgetScope.REQUEST, "") if BudgetScope.REQUEST in self._by_scope else ()

    def at_provider(self, provider: str | None) -> Sequence[Line]:
        """The limits of what a provider may be given."""
        known = provider is not None and self.has_providers
        return self._lines(BudgetScope.PROVIDER, provider or "") if known else ()

    def claims(self, lines: Iterable[Line], amounts: Sequence[int], now: float) -> list[Claim]:
        """Say which accounts amounts are wanted of: `amounts` are in the order of `UNITS`."""
        windows, forgotten = self.calendar.windows(now), now + KEPT
        return [
            Claim(
                line.account + (window := windows[line.per]).name,
                line.limit,
                amounts[line.place],
                window.ends or (NEVER if line.lasting else forgotten),
                line.grain,
            )
            for line in lines
        ]

    def standing(self, line: Line, count: Count, now: float) -> Standing:
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
            spent=count.spent,
            held=count.held,
            resets=datetime.fromtimestamp(ends, UTC) if ends is not None else None,
        )

    @property
    def has_providers(self) -> bool:
        """Whether it matters whom a request is given to."""
        return BudgetScope.PROVIDER in self._by_scope

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
