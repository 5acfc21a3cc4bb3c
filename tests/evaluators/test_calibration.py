"""Chances, thresholds and bounds, against scipy and against chance itself."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluators.calibration import (
    Audit,
    Calibrator,
    Certified,
    TooFew,
    binomial_tail,
    certify,
    examples_needed,
    logistic,
    upper_bound,
)

RATES = st.floats(0.001, 0.999)
OUTCOMES = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(OUTCOMES, RATES)
def test_the_tail_is_that_of_the_binomial(outcomes, rate):
    failures, count = outcomes
    assert binomial_tail(failures, count, rate) == pytest.approx(
        stats.binom.cdf(failures, count, rate), rel=1e-6, abs=1e-12
    )


@given(OUTCOMES, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
@settings(max_examples=50)
def test_the_bound_is_that_of_clopper_and_pearson(outcomes, confidence):
    failures, count = outcomes
    exact = 1.0 if failures == count else stats.beta.ppf(confidence, failures + 1, count - failures)
    assert upper_bound(failures, count, confidence) == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize(("rate", "needed"), [(0.02, 149), (0.05, 59), (0.10, 29)])
def test_how_many_examples_a_promise_needs_when_none_fails(rate, needed):
    assert examples_needed(rate, 0.95) == needed
    assert upper_bound(0, needed, 0.95) <= rate < upper_bound(0, needed - 1, 0.95)


def test_more_are_needed_when_some_fail_and_none_are_enough_when_too_many_do():
    needed = examples_needed(0.05, 0.95, expected=0.02)
    assert needed > 150
    assert upper_bound(-(-needed * 2 // 100), needed, 0.95) <= 0.05
    with pytest.raises(ValueError, match="no number of examples"):
        examples_needed(0.05, 0.95, expected=0.05)


GRID = np.linspace(0, 1, 21)


def drawn(random, count):
    """Scores whose answers fail with chance 0.4 at 0, less and less up to 1."""
    scores = random.random(count)
    return scores, random.random(count) < 0.4 * (1 - scores) ** 2


def certified(random, rate, count=1000):
    scores, failed = drawn(random, count)
    return certify(scores, failed, max_failure_rate=rate, confidence=0.95, grid=GRID)


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.10])
def test_the_promise_is_kept_as_often_as_is_said(rate):
    random = np.random.default_rng(7)
    broken = made = 0
    for _ in range(200):
        found = certified(random, rate)
        if isinstance(found, Certified):
            made += 1
            low = 1 - found.threshold
            broken += 0.4 * low**2 / 3 > rate  # the mean of the failure rate above the threshold
    assert made > 60
    assert broken <= 0.05 * 200


def test_too_few_outcomes_are_said_to_be_too_few():
    found = certified(np.random.default_rng(1), 0.02, count=100)
    assert found == TooFew(count=100, needed=149, bound=1.0)


def test_a_worthless_score_is_given_no_threshold():
    random = np.random.default_rng(1)
    scores, failed = random.random(2000), random.random(2000) < 0.3
    found = certify(scores, failed, max_failure_rate=0.1, confidence=0.95, grid=GRID)
    assert isinstance(found, TooFew)
    assert found.bound > 0.1


def test_the_audits_bounds_hold_at_every_look():
    random = np.random.default_rng(3)
    missed = 0
    for _ in range(200):
        audit = Audit()
        for failed in random.random(300) < 0.1:
            audit = audit.after(failed=bool(failed))
            if audit.count % 10 == 0 and not audit.lower(0.9) <= 0.1 <= audit.upper(0.9):
                missed += 1
                break
    assert missed <= 0.1 * 200


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_audits_bounds_surround_what_was_seen_and_are_wider_than_a_single_look(failures, passes):
    audit = Audit(count=failures + passes, failures=failures)
    low, high = audit.lower(0.95), audit.upper(0.95)
    assert 0 <= low <= high <= 1
    if audit.count:
        assert low - 1e-6 <= failures / audit.count <= high + 1e-6
        assert high >= upper_bound(failures, audit.count, 0.95) - 1e-6


def test_an_audit_closes_in():
    assert Audit(count=2000, failures=100).upper(0.95) < 0.075
    assert Audit(count=2000, failures=100).lower(0.95) > 0.03
    assert Audit().upper(0.95) == 1.0


@pytest.mark.parametrize("count", [12, 2000])
def test_scores_become_chances(count):
    random = np.random.default_rng(2)
    scores = random.random(count)
    right = random.random(count) < scores
    chance = Calibrator.fit(scores, right)
    values = [chance(score) for score in np.linspace(-0.2, 1.2, 50)]
    assert all(a <= b for a, b in pairwise(values))
    assert values[0] > 0
    assert values[-1] < 1
    if count > 100:
        assert chance(0.5) == pytest.approx(0.5, abs=0.12)


def test_with_nothing_to_learn_from_a_chance_is_even():
    assert Calibrator.fit([], [])(0.7) == 0.5
    assert 0.5 < Calibrator.fit([0.2, 0.9], [1, 1])(0.9) < 1


def test_the_logistic_fit_finds_the_weights():
    random = np.random.default_rng(4)
    features = random.normal(size=(20_000, 2))
    right = random.random(20_000) < 1 / (1 + np.exp(-(features @ [1.5, -1.0] + 0.5)))
    assert logistic(features, right.astype(float)) == pytest.approx([1.5, -1.0, 0.5], abs=0.1)
