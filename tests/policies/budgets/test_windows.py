"""Windows of the calendar, in any zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from policies.budgets.windows import FOREVER, Calendar
from router.budget import Per

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("per", "name", "ends"),
    [
        (Per.MINUTE, "2026-11-24T22:58Z", "2026-11-24T22:59:00+00:00"),
        (Per.HOUR, "2026-11-24T22Z", "2026-11-24T23:00:00+00:00"),
        (Per.DAY, "day-2026-11-24", "2026-11-25T00:00:00+01:00"),
        (Per.WEEK, "week-2026-11-23", "2026-11-30T00:00:00+01:00"),
        (Per.MONTH, "month-2026-11-01", "2026-12-01T00:00:00+01:00"),
    ],
)
def test_a_window_has_the_name_of_its_start_and_ends_where_the_next_begins(per, name, ends):
    window = Calendar(BERLIN).window(per, at("2026-11-24T23:58:30+01:00"))
    assert (window.name, window.ends) == (name, at(ends))


def test_a_total_never_ends():
    assert Calendar().window(Per.TOTAL, 0.0) == Calendar().window(Per.TOTAL, 4e9)
    assert Calendar().window(Per.TOTAL, 0.0).name == FOREVER
    assert Calendar().window(Per.TOTAL, 0.0).ends is None


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-24", 24)])
def test_a_day_is_as_long_as_it_is_there(day, hours):
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=BERLIN)
    midnight = noon.replace(hour=0).timestamp()
    window = Calendar(BERLIN).window(Per.DAY, noon.timestamp())
    assert window.ends is not None
    assert window.ends - midnight == hours * 3600
    assert Calendar(BERLIN).window(Per.DAY, window.ends - 1) == window
    assert Calendar(BERLIN).window(Per.DAY, window.ends) != window


def test_one_calendar_follows_time_and_a_clock_that_is_set_back():
    calendar = Calendar(UTC)
    first = calendar.window(Per.MINUTE, 30.0)
    assert calendar.window(Per.MINUTE, 59.9) is first
    assert calendar.window(Per.MINUTE, 60.0) != first
    assert calendar.window(Per.MINUTE, 30.0) == first
