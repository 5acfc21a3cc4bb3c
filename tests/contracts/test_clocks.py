"""What every clock keeps to, the one of the tests as well."""

from datetime import timedelta

import pytest

from router.clock import SystemClock
from router.seams import Clock
from tests.support.world import FakeClock

CLOCKS: dict[str, Clock] = {"system": SystemClock(), "fake": FakeClock()}


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS.keys())
def test_time_never_runs_backwards_and_has_a_zone(clock: Clock):
    moments = [clock.monotonic() for _ in range(100)]
    assert moments == sorted(moments)
    assert clock.now().utcoffset() == timedelta(0)
