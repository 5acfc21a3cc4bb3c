"""The words of spending: how much of what, by whom, within which window."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from router.types import Picodollars


class Per(StrEnum):
    """A fixed window of the calendar; TOTAL never ends."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


class BudgetScope(StrEnum):
    """Whose spending is counted together."""

    REQUEST = "request"  # one request, all its attempts and checks
    RUN = "run"  # an agent's run: `x-farthing-run-id`
    SESSION = "session"
    KEY = "key"  # a key, and the keys made from it
    USER = "user"
    TEAM = "team"
    TAG = "tag"
    PROVIDER = "provider"
    ALL = "all"


class Unit(StrEnum):
    """What is counted: picodollars, requests or tokens (of prompt and answer together)."""

    USD = "usd"
    REQUESTS = "requests"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """At most so much per window, for each value of `scope`.

    `match` names the values it is for, which then each have their own account; `None`: every one.
    """

    name: str
    scope: BudgetScope
    per: Per
    usd: Picodollars | None = None
    requests: int | None = None
    tokens: int | None = None
    match: frozenset[str] | None = None

    @property
    def limits(self) -> tuple[tuple[Unit, int], ...]:
        """Each limit that is set, with its unit."""
        each = ((Unit.USD, self.usd), (Unit.REQUESTS, self.requests), (Unit.TOKENS, self.tokens))
        return tuple((unit, limit) for unit, limit in each if limit is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one limit stands; `spent` is booked and `held` is set aside for calls under way.

    `resets` is `None` where the window never ends.
    """

    budget: str
    scope: BudgetScope
    of: str
    unit: Unit
    per: Per
    limit: int
    spent: int
    held: int
    resets: datetime | None

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.spent - self.held)
