from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from router.learning.watching import alarms, wilson

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def stream(promised, truth, count, seed=0):
    random = np.random.default_rng(seed)
    return [(BEGAN + timedelta(minutes=at), promised, float(random.random() < truth)) for at in range(count)]


def sides(outcomes):
    return [side for side, _, _ in alarms(outcomes)]


def test_promises_that_hold_raise_no_alarm():
    assert [sides(stream(0.8, 0.8, 1000, seed)) for seed in range(20)] == [[]] * 20
    assert sides(stream(0.8, 0.77, 5000)) == [], "within the band"


def test_what_gets_worse_is_told_soon():
    assert sides(stream(0.8, 0.5, 100)) == ["worse than promised"]


def test_what_gets_better_is_told_too():
    assert sides(stream(0.4, 0.7, 150)) == ["better than promised"]


def test_a_good_past_does_not_delay_the_alarm():
    outcomes = stream(0.8, 0.8, 3000) + stream(0.8, 0.5, 120, seed=1)
    assert sides(outcomes) == ["worse than promised"]


def test_an_alarm_ends_when_promises_hold_again():
    assert sides(stream(0.8, 0.5, 100) + stream(0.5, 0.5, 400, seed=1)) == []


def test_no_outcomes_no_alarm():
    assert sides([]) == []


def test_an_interval_narrows():
    wide, narrow = wilson(0.5, 10), wilson(0.5, 1000)
    assert wide[0] < narrow[0] < 0.5 < narrow[1] < wide[1]
    assert wilson(1.0, 20)[1] == pytest.approx(1.0)
