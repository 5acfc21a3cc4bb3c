"""What a file comes to: shared errors stay, the others vanish; times only where somebody measured."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from batch.forecast import Book, Errors
from batch.tempo import times, whole
from policies.outlook import Step
from router.types import Machine
from tests.support.world import model

SURE = Errors(common=0.0, model=0.0, answer=0.0, prompt=0.0, climbs=0.0)
SMALL, LARGE = model("small"), model("large", upstream="paid")
STEP = Step(
    model=SMALL, rejected=0.0, read=10, tokens=100.0, bound=1e6, prompt=10, answer=100, checks=0.0, most=500
)


def book(*steps, lines=1000):
    made = Book()
    for _ in range(lines):
        made.add(steps)
    return made


def test_without_errors_it_is_a_sum():
    forecast = book(STEP).forecast(SURE, draws=3)
    assert forecast.cost.tolist() == [[110_000.0]] * 3
    assert forecast.written.tolist() == [[100_000.0]] * 3


def test_errors_of_single_answers_vanish_in_a_long_file_and_shared_ones_do_not():
    own = book(STEP).forecast(replace(SURE, answer=0.7)).cost.sum(1)
    shared = book(STEP).forecast(replace(SURE, common=0.7)).cost.sum(1)
    assert own.std() / own.mean() < 0.05
    assert shared.std() / shared.mean() > 0.5


def test_a_climb_is_paid_as_often_as_it_is_expected():
    dear = replace(STEP, model=LARGE, prompt=100, answer=1000)
    forecast = book(replace(STEP, rejected=0.25), dear).forecast(SURE)
    assert forecast.calls.mean(0) == pytest.approx([1000, 250], rel=0.02)
    assert forecast.cost.mean(0) == pytest.approx([110_000, 275_000], rel=0.02)


def test_a_limit_cuts_long_answers():
    forecast = book(replace(STEP, bound=50.0)).forecast(replace(SURE, common=0.5), draws=50)
    assert forecast.cost.max() == 1000 * (10 + 50)


def test_checks_are_paid_and_counted():
    forecast = book(replace(STEP, checks=3.0)).forecast(SURE, draws=1)
    assert (forecast.calls.sum(), forecast.cost.sum()) == (4000, 440_000)


def test_a_sample_stands_for_all_and_says_that_it_is_one():
    uneven = Book()
    for at in range(100):
        uneven.add([replace(STEP, answer=100 * (at % 10))])
    all_of_it = uneven.forecast(SURE, of=100).cost.sum(1)
    sampled = uneven.forecast(SURE, of=10_000).cost.sum(1)
    assert np.median(sampled) == pytest.approx(100 * all_of_it[0], rel=0.05)
    assert all_of_it.std() == 0.0
    assert sampled.std() > 0.02 * sampled.mean()


def test_one_line_without_a_ceiling_leaves_none():
    made = book(STEP, lines=2)
    assert made.most == 1000
    made.add([replace(STEP, most=None, prompt=None, answer=None)])
    assert (made.most, made.unpriced) == (None, 1)


@dataclass(frozen=True)
class Earlier:
    upstream: str
    calls: int
    written: int
    seconds: float


def test_time_is_as_long_as_it_was_before_by_calls_and_by_tokens():
    (took,) = times(book(STEP).forecast(SURE), [Earlier("fake", calls=100, written=20_000, seconds=10.0)])
    assert (took.low, took.high) == (50.0, 100.0)
    assert "100 calls of 1 earlier" in took.source


def test_where_nobody_has_measured_the_whole_has_no_time():
    both = book(replace(STEP, rejected=0.5), replace(STEP, model=LARGE)).forecast(SURE)
    parts = times(both, [Earlier("fake", calls=100, written=20_000, seconds=10.0)])
    assert [part.seconds is None for part in parts] == [False, True]
    assert whole(parts) is None


def test_ones_own_machine_tells_by_its_speed():
    machine = Machine(hour=0, energy=0, prefill=1000.0, decode=100.0)
    own = replace(SMALL, prices=replace(SMALL.prices, machine=machine))
    forecast = book(replace(STEP, model=own)).forecast(SURE)
    parts = times(forecast, ())
    assert whole(parts).seconds == pytest.approx(10.0 + 1000.0)
