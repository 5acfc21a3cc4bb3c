"""A belief moves with outcomes, the more the less sure it was."""

import numpy as np

from router.difficulty.hierarchy import Belief, posterior, together, trend

WIDE = Belief(mean=np.zeros(2), spread=np.eye(2))


def test_outcomes_move_a_belief_towards_them_and_narrow_it() -> None:
    inputs = np.array([[1.0, x] for x in np.linspace(-2, 2, 200)])
    after = posterior(WIDE, inputs, (inputs[:, 1] > 0).astype(float))
    assert abs(after.mean[0]) < 0.2
    assert after.mean[1] > 1.0
    assert after.spread[0, 0] < WIDE.spread[0, 0]


def test_a_sure_belief_hardly_moves_and_no_outcomes_move_nothing() -> None:
    sure = Belief(mean=np.array([1.0, 0.0]), spread=1e-4 * np.eye(2))
    wrong = posterior(sure, np.tile([1.0, 0.0], (5, 1)), np.zeros(5))
    assert abs(wrong.mean[0] - 1.0) < 0.01
    assert np.allclose(posterior(WIDE, np.zeros((0, 2)), np.zeros(0)).mean, WIDE.mean)


def test_all_right_answers_give_a_finite_belief() -> None:
    after = posterior(WIDE, np.tile([1.0, 0.0], (1000, 1)), np.ones(1000))
    assert 1.0 < after.mean[0] < 8.0


def test_a_known_level_takes_the_direction_along() -> None:
    tied = Belief(mean=np.zeros(2), spread=np.array([[1.0, 0.5], [0.5, 1.0]]))
    moved = tied.at(2.0)
    assert np.allclose(moved.mean, [2.0, 1.0])
    assert moved.spread[0, 0] < 1e-9


def test_a_trend_places_what_lies_between_and_keeps_what_it_cannot_explain_as_spread() -> None:
    facts = np.array([[1.0, x] for x in (-1.0, -0.5, 0.5, 1.0)] * 20)
    beliefs = [Belief(mean=np.array([2.0 * row[1], 0.3]), spread=0.01 * np.eye(2)) for row in facts]
    found = trend(facts, beliefs, np.ones(len(facts)))
    assert np.allclose(found.belief(np.array([1.0, 0.0])).mean, [0.0, 0.3], atol=0.05)
    assert found.belief(np.array([1.0, 1.0])).mean[0] > 1.7
    assert 0.0 < found.spread[0, 0] < 0.1


def test_what_models_have_in_common_is_told_from_what_each_has_to_itself() -> None:
    prior = Belief(mean=np.zeros(1), spread=0.5 * np.eye(1))
    good, bad = np.ones(40), np.zeros(40)
    inputs = [np.ones((40, 1))] * 2
    alike, common = together([prior, prior], prior, inputs, [bad, bad])
    assert common.mean[0] < -0.5
    assert np.allclose(alike[0].mean, alike[1].mean)
    apart, nothing = together([prior, prior], prior, inputs, [good, bad])
    assert abs(nothing.mean[0]) < 0.01
    assert apart[0].mean[0] > 1.0 > -1.0 > apart[1].mean[0]


def test_of_one_model_alone_the_sum_of_both_parts_is_what_its_outcomes_say() -> None:
    inputs, scores = np.tile([1.0, 0.5], (60, 1)), np.r_[np.ones(40), np.zeros(20)]
    half = Belief(mean=np.zeros(2), spread=0.5 * np.eye(2))
    (together_,), _ = together([half], half, [inputs], [scores])
    alone = posterior(WIDE, inputs, scores)
    assert np.allclose(together_.mean, alone.mean, atol=0.02)
    assert np.allclose(together_.spread, alone.spread, atol=0.02)


def test_a_belief_far_off_the_mark_still_reaches_the_top() -> None:
    random = np.random.default_rng(2)
    # Steep and far away: plain Newton steps go past the top and back for ever.
    inputs = np.concatenate((np.ones((4_000, 1)), 6.0 * random.standard_normal((4_000, 8))), axis=1)
    true = np.r_[2.0, 0.8, np.zeros(7)]
    scores = (random.random(4_000) < 1 / (1 + np.exp(-inputs @ true))).astype(float)
    sure = Belief(mean=np.r_[-1.0, -0.8, np.full(7, 0.8)], spread=np.diag(np.r_[0.7, np.full(8, 0.01)]))
    after = posterior(sure, inputs, scores)
    chances = 1 / (1 + np.exp(-inputs @ after.mean))
    slope = inputs.T @ (scores - chances) - np.linalg.inv(sure.spread) @ (after.mean - sure.mean)
    assert np.abs(slope).max() < 1.0
