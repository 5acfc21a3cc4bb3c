"""Limits and instants as people write them on the command line."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from router.budget import Budget, BudgetScope, Per, Unit
from router.errors import FarthingError
from router.types import DOLLAR

LIMIT = re.compile(
    r"\$?(?P<amount>\d[\d_,]*(?:\.\d{1,12})?)\s*(?P<unit>usd|requests?|tokens?)?\s*(?:/|\s(?:per|a|in)\s)\s*"
    r"(?P<per>minute|hour|day|week|month|total)",
    re.IGNORECASE,
)

UNITS: Mapping[str, Unit] = {"u": Unit.USD, "r": Unit.REQUESTS, "t": Unit.TOKENS}

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,199}")

SPAN = re.compile(r"(\d+)\s*([smhdw])")
SECONDS = (("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800))


def name_of(text: str) -> str:
    """Take the name of a key: what needs no quotes in a report, a header or a shell."""
    if not NAME.fullmatch(text):
        raise FarthingError(
            f"{text[:100]!r} is no name: write letters, digits, and any of . _ @ - (200 at most)."
        )
    return text


def limits_of(name: str, texts: Sequence[str]) -> tuple[Budget, ...]:
    """Read limits such as `5 usd/day`, `60 requests/minute`, `2000000 tokens/month`, `100 usd/total`."""
    budgets = tuple(_limit(name, text) for text in texts)
    seen = [(budget.per, unit) for budget in budgets for unit, _ in budget.limits]
    if len(set(seen)) < len(seen):
        raise FarthingError("Two limits of the same for the same window: which of them?")
    return budgets


def _limit(name: str, text: str) -> Budget:
    found = LIMIT.fullmatch(text.strip())
    if found is None:
        raise FarthingError(
            f"{text!r} is no limit: write `5 usd/day`, `60 requests/minute` or `2000000 tokens/month` "
            "(windows: minute, hour, day, week, month, total)."
        )
    amount = Decimal(found["amount"].replace(",", "").replace("_", ""))
    unit = UNITS[(found["unit"] or "u")[0].lower()]
    value = amount * DOLLAR if unit is Unit.USD else amount
    if value != int(value) or value <= 0:
        raise FarthingError(f"{text!r} is no limit: the number must be whole, and more than nothing.")
    return Budget(
        name=f"key {name}",
        scope=BudgetScope.KEY,
        per=Per(found["per"].lower()),
        usd=int(value) if unit is Unit.USD else None,
        requests=int(value) if unit is Unit.REQUESTS else None,
        tokens=int(value) if unit is Unit.TOKENS else None,
    )


def span_of(text: str) -> timedelta:
    """Read `90s`, `30m`, `24h`, `7d` or `2w`."""
    found = SPAN.fullmatch(text.strip())
    if found is None:
        raise FarthingError(f"{text!r} is no span of time: write `90s`, `30m`, `24h`, `7d` or `2w`.")
    return timedelta(seconds=int(found[1]) * dict(SECONDS)[found[2]])


def instant_of(text: str, now: datetime) -> datetime:
    """Read an instant, or a span from now on; a day begins at midnight UTC."""
    if SPAN.fullmatch(text.strip()):
        return now + span_of(text)
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise FarthingError(f"{text!r} is no instant: write `30d` or `2027-01-31T12:00:00Z`.") from None
    instant = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    if instant <= now:
        raise FarthingError(f"{text!r} is in the past.")
    return instant.astimezone(UTC)
