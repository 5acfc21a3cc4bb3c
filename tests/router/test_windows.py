from datetime import UTC, date, datetime

import pytest

from router.windows import Window, time_zone, within

BEIJING_NIGHT = Window(zone="Asia/Shanghai", start=30, end=8 * 60 + 30)
WINTER_EVENING = Window(zone="Europe/Berlin", start=22 * 60, end=6 * 60, weekdays=frozenset({5}))


@pytest.mark.parametrize(
    ("window", "at", "inside"),
    [
        (BEIJING_NIGHT, "2026-11-24T16:29+00:00", False),
        (BEIJING_NIGHT, "2026-11-24T16:30+00:00", True),
        (BEIJING_NIGHT, "2026-11-25T00:29+00:00", True),
        (BEIJING_NIGHT, "2026-11-25T00:30+00:00", False),
        (WINTER_EVENING, "2026-11-27T21:00+00:00", True),  # Friday, 22:00 there
        (WINTER_EVENING, "2026-11-28T04:59+00:00", True),  # Saturday morning is Friday's night
        (WINTER_EVENING, "2026-11-28T05:00+00:00", False),
        (WINTER_EVENING, "2026-11-27T04:00+00:00", False),  # Friday morning is Thursday's night
        (WINTER_EVENING, "2026-11-28T22:00+00:00", False),
        (Window(holidays=frozenset({date(2026, 12, 25)})), "2026-12-25T12:00+00:00", False),
        (Window(holidays=frozenset({date(2026, 12, 25)})), "2026-12-26T12:00+00:00", True),
        # An hour that happens twice is inside twice, one that never happens is no hole.
        (Window(zone="Europe/Berlin", start=120, end=180), "2026-10-25T00:30+00:00", True),
        (Window(zone="Europe/Berlin", start=120, end=180), "2026-10-25T01:30+00:00", True),
        (Window(zone="Europe/Berlin", start=120, end=180), "2026-03-29T01:00+00:00", False),
    ],
)
def test_a_window_is_read_from_the_wall_clock_of_its_zone(window, at, inside):
    assert within(window, datetime.fromisoformat(at)) is inside


def test_utc_is_known_where_no_table_of_zones_is_installed():
    assert time_zone("UTC") is UTC


@pytest.mark.parametrize(
    "name", ["", "Europe/Berln", "../etc/passwd", "/etc/localtime", "a\0b", "x" * 10_000]
)
def test_a_zone_that_is_none_is_told_so(name):
    with pytest.raises(ValueError, match="there is no time zone"):
        time_zone(name)
