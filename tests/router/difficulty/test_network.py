"""Training tells what a prompt is to all models alike from what sets models apart."""

import numpy as np
import pytest

from router.difficulty import network
from router.difficulty.network import Recipe, Table


def surprise(sums, counts, variance: float = 0.5) -> np.ndarray:
    logits = np.zeros(np.shape(sums), np.float32)
    return network.surprise(
        logits, np.array(sums, np.float32), np.array(counts, np.float32), variance, rounds=20
    )


def test_a_prompt_that_all_fail_was_harder_than_its_text_tells() -> None:
    failed, solved, half, unasked = surprise(
        [[0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]],
        [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]],
    ).ravel()
    assert failed == pytest.approx(-solved)
    assert failed < -0.5
    assert half == pytest.approx(0.0, abs=1e-6)
    assert unasked == 0.0


def test_the_surprise_is_where_outcomes_and_expectation_balance() -> None:
    found = float(surprise([[3.0, 0.5, 7.0]], [[4.0, 2.0, 8.0]])[0, 0])
    chance = 1 / (1 + np.exp(-found))
    assert 10.5 - 14.0 * chance == pytest.approx(found / 0.5, abs=1e-4)


def test_without_luck_there_is_no_surprise() -> None:
    assert not surprise([[1.0, 1.0]], [[1.0, 1.0]], 0.0).any()


def test_outcomes_by_the_thousand_do_not_overshoot() -> None:
    assert np.isfinite(surprise([[9_000.0]], [[9_000.0]], 100.0)).all()


def test_training_with_luck_learns_what_sets_models_apart() -> None:
    random = np.random.default_rng(3)
    kind = random.random(600) < 0.5
    luck = 1.5 * random.standard_normal((600, 1))
    # One model is at ease with one kind, the other with the other.
    logits = luck + np.where(kind[:, None], (1.2, -1.2), (-1.2, 1.2))
    scores = (random.random((600, 2)) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    features = np.stack((kind, ~kind), axis=1).astype(np.float32)
    table = Table(features=features, sums=scores, counts=np.ones_like(scores))
    recipe = Recipe(hidden=4, traits=2, epochs=60, batch=32, drop_input=0.0, drop_hidden=0.0)
    fitted = network.fit(table, np.arange(600), recipe, random)
    found = fitted.traits(features) @ fitted.directions + fitted.base
    apart = found[:, 0] - found[:, 1]
    assert apart[kind].mean() > 1.0
    assert apart[~kind].mean() < -1.0
