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
    binomial_tail,
    doubt,
    examples_needed,
    keeps,
    logistic,
    propose,
    share_ahead,
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


@given(st.integers(0, 60), st.integers(1, 60), st.integers(1, 60), RATES)
def test_doubt_is_that_of_a_draw_without_replacement(failures, count, ahead, rate):
    broken = int(rate * ahead + 1e-9) + 1
    exact = stats.hypergeom.cdf(failures, count + ahead, failures + broken, count)
    if failures < count and broken <= ahead:
        assert doubt(failures, count, rate, ahead) == pytest.approx(exact, rel=1e-6, abs=1e-12)


def test_far_ahead_it_is_the_rate_alone_that_is_in_doubt():
    assert doubt(10, 400, 0.05, 10_000_000) == pytest.approx(binomial_tail(10, 400, 0.05), rel=1e-3)
    assert doubt(10, 400, 0.05, 100) > 5 * binomial_tail(10, 400, 0.05)


@pytest.mark.parametrize("rate", [0.01, 0.04, 0.05, 0.06, 0.2])
def test_what_is_promised_of_the_next_answers_is_seldom_broken_whatever_the_true_rate(rate):
    random = np.random.default_rng(5)
    seen, coming = random.binomial(300, rate, 4000), random.binomial(80, rate, 4000)
    made = np.array([doubt(failures, 300, 0.05, 80) <= 0.05 for failures in range(301)])
    assert (made[seen] & (coming > 0.05 * 80)).mean() <= 0.05


def test_the_share_ahead_is_the_least_that_can_be_promised():
    share = share_ahead(6, 300, 200, 0.95)
    assert doubt(6, 300, share, 200) <= 0.05 < doubt(6, 300, share - 1 / 200, 200)
    assert upper_bound(6, 300, 0.95) < share < 0.06
    assert share_ahead(0, 0, 50, 0.95) == share_ahead(9, 9, 50, 0.95) == 1.0


GRID = np.linspace(0, 1, 21)


def drawn(random, count):
    """Scores whose answers fail with chance 0.4 at 0, less and less up to 1."""
    scores = random.random(count)
    return scores, random.random(count) < 0.4 * (1 - scores) ** 2


@pytest.mark.parametrize("rate", [0.05, 0.10])
def test_the_promise_is_kept_by_the_answers_that_come_next(rate):
    random = np.random.default_rng(7)
    asked = {"max_failure_rate": rate, "confidence": 0.95}
    broken = made = 0
    for _ in range(200):
        learnt, (scores, failed), (ahead, came) = (drawn(random, count) for count in (1000, 1000, 500))
        threshold = propose(learnt, scores, ahead, grid=GRID, **asked)
        if threshold is not None and keeps(scores, failed, ahead, threshold=threshold, **asked):
            made += 1
            broken += came[ahead >= threshold].mean() > rate
    assert made > 100
    assert broken <= 0.05 * 200


def test_of_a_worthless_score_or_of_few_outcomes_nothing_is_promised():
    random = np.random.default_rng(1)
    scores, failed = random.random(2000), random.random(2000) < 0.3
    asked = {"max_failure_rate": 0.1, "confidence": 0.95}
    assert propose((scores, failed), scores, scores, grid=GRID, **asked) is None
    assert not keeps(scores, failed, scores, threshold=0.5, **asked)
    scores, failed = drawn(random, 20)
    assert not keeps(scores, failed, scores, threshold=0.9, **asked)


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
