"""Hours and days by a wall clock somewhere: when a price, a policy or a pool holds."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Hours of some days by a wall clock, half-open, in minutes after midnight.

    One that wraps belongs to the day it began; `start` equal to `end` is the whole day.
    `weekdays` are ISO's (1 is Monday), none means every day; on `holidays` it does not hold.
    """

    zone: str = "UTC"
    start: int = 0
    end: int = 0
    weekdays: frozenset[int] = frozenset()
    holidays: frozenset[date] = frozenset()


@lru_cache
def time_zone(name: str) -> tzinfo:
    """Return the time zone of that name; UTC is known even where no table of zones is installed.

    Raises:
        ValueError: There is none.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        raise ValueError(f"there is no time zone {name!r}; write one as 'Europe/Berlin'") from None


def known_zone(name: str) -> str:
    """Return the name if there is such a time zone, which is how settings are read.

    Raises:
        ValueError: There is none.
    """
    time_zone(name)
    return name


def within(window: Window, at: datetime) -> bool:
    """Tell whether an instant lies in a window, by the wall clock of its zone."""
    local = at.astimezone(time_zone(window.zone))
    minute, day = local.hour * 60 + local.minute, local.date()
    if window.start < window.end:
        return window.start <= minute < window.end and _on(window, day)
    if minute >= window.start and _on(window, day):
        return True
    return minute < window.end and _on(window, day - timedelta(days=1))


def _on(window: Window, day: date) -> bool:
    if day in window.holidays:
        return False
    return not window.weekdays or day.isoweekday() in window.weekdays
