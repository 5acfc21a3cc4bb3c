"""What upstreams say of how long to leave them alone is a time, whatever they write."""

import pytest

from router.upstreams.waits import LONGEST, seconds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("", None),
        ("Wed, 25 Nov 2026 07:28:00 GMT", None),
        ("nan", None),
        ("inf", LONGEST),
        ("1e400", LONGEST),
        ("99999999", LONGEST),
    ],
)
def test_it_is_a_number_of_seconds_within_bounds_or_unknown(text, told):
    assert seconds(text) == told


def test_milliseconds_are_read_as_such():
    assert seconds("1500", unit=0.001) == 1.5
