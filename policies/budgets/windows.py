"""When a budget begins anew: fixed windows of the calendar, in one zone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from router.budget import Per

FOREVER = "total"

KEPT = 32 * 86_400.0
"""Seconds an account without an end of its own is kept after it was last opened: a run's, a session's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One window: its name, and its end in seconds since 1970 (`None`: it has none)."""

    name: str
    ends: float | None


class Calendar:
    """Tells which window an instant is in; what it said last is kept until that window ends."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        self._zone = zone
        self._last: Mapping[str, Window] = {}  # by plain text, which is quicker than an enum
        self._hold = (0.0, 0.0)  # from when to when

    def windows(self, now: float) -> Mapping[str, Window]:
        """Give the windows that `now` is in, in seconds since 1970, by the text of `Per`."""
        if not self._hold[0] <= now < self._hold[1]:
            self._last = {per.value: self._find(per, now) for per in Per}
            self._hold = now, min(each.ends for each in self._last.values() if each.ends is not None)
        return self._last

    def window(self, per: Per, now: float) -> Window:
        """Give the window of `now`, in seconds since 1970."""
        return self.windows(now)[per.value]

    def _find(self, per: Per, now: float) -> Window:
        if per is Per.TOTAL:
            return Window(name=FOREVER, ends=None)
        if per in SHORT:
            # Minutes and hours are of the clock that never jumps: a day of 25 hours has 25 of them.
            seconds, form = SHORT[per]
            start = now // seconds * seconds
            return Window(name=f"{datetime.fromtimestamp(start, UTC):{form}}", ends=start + seconds)
        local = datetime.fromtimestamp(now, self._zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        first, following = LONG[per](midnight)
        return Window(name=f"{per}-{first:%Y-%m-%d}", ends=following.timestamp())


SHORT: Mapping[Per, tuple[int, str]] = {Per.MINUTE: (60, "%Y-%m-%dT%H:%MZ"), Per.HOUR: (3600, "%Y-%m-%dT%HZ")}


def _day(midnight: datetime) -> tuple[datetime, datetime]:
    return midnight, midnight + timedelta(days=1)


def _week(midnight: datetime) -> tuple[datetime, datetime]:
    monday = midnight - timedelta(days=midnight.weekday())
    return monday, monday + timedelta(days=7)


def _month(midnight: datetime) -> tuple[datetime, datetime]:
    first = midnight.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


LONG: Mapping[Per, Callable[[datetime], tuple[datetime, datetime]]] = {
    Per.DAY: _day,
    Per.WEEK: _week,
    Per.MONTH: _month,
}
