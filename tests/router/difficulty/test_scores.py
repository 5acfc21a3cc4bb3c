"""Measures on worlds small enough to know the answer."""

import numpy as np
import pytest

from router.difficulty import scores
from router.difficulty.curves import figures, ground, routed
from router.difficulty.scores import Judged

HALF = np.repeat([0.0, 1.0], 50)


def judged(chance, score=HALF) -> Judged:
    rows = len(score)
    return Judged(
        chance=np.asarray(chance, float),
        score=score,
        model=np.zeros(rows, int),
        dataset=np.full(rows, "d"),
        group=np.array([f"g{i}" for i in range(rows)]),
    )


def test_a_coin_is_calibrated_and_tells_nothing() -> None:
    coin = judged(np.full(100, 0.5))
    assert scores.log_loss(coin) == pytest.approx(np.log(2))
    assert scores.brier(coin) == pytest.approx(0.25)
    assert scores.calibration_error(coin) == pytest.approx(0.0)
    assert scores.pooled_auc(coin) == scores.model_auc(coin) == scores.within_auc(coin) == 0.5


def test_a_seer_has_order_and_an_optimist_has_error() -> None:
    assert scores.within_auc(judged(HALF)) == 1.0
    assert scores.calibration_error(judged(np.full(100, 0.9))) == pytest.approx(0.4)


def test_too_few_outcomes_have_no_order() -> None:
    assert np.isnan(scores.auc(np.array([0.1, 0.9]), np.array([0.0, 1.0])))


def test_an_interval_holds_the_measure() -> None:
    coin = judged(np.full(100, 0.5))
    low, high = scores.interval(
        lambda rows: scores.brier(coin.at(rows)), coin.group, 20, np.random.default_rng(1)
    )
    assert low <= 0.25 <= high


def test_knowing_all_closes_the_gap_and_knowing_nothing_closes_none() -> None:
    random = np.random.default_rng(2)
    score = (random.random((400, 2)) < [0.5, 0.8]).astype(float)
    cost = np.array([1.0, 10.0])
    assert routed(score, score, cost).closed == pytest.approx(1.0)
    assert routed(np.tile([0.5, 0.8], (400, 1)), score, cost).closed == pytest.approx(0.0, abs=1e-9)
    assert routed(1.0 - score, score, cost).closed < 0.0


def test_the_mix_is_the_best_of_all_mixes() -> None:
    score = np.tile([0.2, 0.8, 0.9], (50, 1))
    on = ground(score, np.array([1.0, 2.0, 10.0]))
    assert figures(on.oracle, on).cost95 == pytest.approx(figures(on.mix, on).cost95, abs=0.02)


def test_a_mix_recovers_as_much_as_it_pays_for() -> None:
    score = np.tile([0.5, 0.8], (50, 1))
    on = ground(score, np.array([1.0, 10.0]))
    mix = figures(on.mix, on)
    assert (mix.apgr, mix.cpt50, mix.cpt80, mix.cost100) == pytest.approx((0.5, 0.5, 0.8, 1.0), abs=0.011)


def test_what_is_never_reached_says_so() -> None:
    score = np.tile([0.5, 0.8], (50, 1))
    on = ground(score, np.array([1.0, 10.0]))
    assert figures(np.full(len(on.grid), 0.5), on).cost95 == float("inf")
