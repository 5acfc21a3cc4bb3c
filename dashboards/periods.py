"""Times as people write them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from dashboards.tables import BadReport

UNITS: Mapping[str, str] = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def instant(value: datetime | str | None, now: datetime) -> datetime | None:
    """Read `7d`, `12h`, `30m` or `2w` before `now`, or an ISO date or time (in UTC unless it says otherwise).

    Raises `BadReport` for anything else.
    """
    if value is None:
        return None
    try:
        time = _read(value.strip(), now) if isinstance(value, str) else value
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        text = str(value)[:40]
        raise BadReport(f"{text!r} is no time: write 12h, 7d, 2026-11-01 or 2026-11-01T08:30.") from None


def period(
    since: datetime | str | None, until: datetime | str | None, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """Read both ends; raises `BadReport` if the first is not before the second."""
    start, end = instant(since, now), instant(until, now)
    if start is not None and end is not None and start >= end:
        raise BadReport("The period is empty: `since` is not before `until`.")
    return start, end


def _read(text: str, now: datetime) -> datetime:
    ago = re.fullmatch(r"([0-9]{1,6})([mhdw])", text)
    return now - timedelta(**{UNITS[ago[2]]: int(ago[1])}) if ago else datetime.fromisoformat(text)
