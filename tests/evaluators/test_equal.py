"""Cost at equal quality: the mix is the cheapest there is, and chance is drawn by groups."""

import numpy as np
import pytest

from evaluators.equal import hull, versus

CHEAP, DEAR = np.zeros(200), np.ones(200)
SCORE = np.column_stack([np.tile([0.0, 1.0], 100), np.ones(200)])
COST = np.column_stack([np.full(200, 1.0), np.full(200, 9.0)])
GROUP = np.array([str(n) for n in range(200)])


def test_the_best_mixes_leave_out_what_two_others_mixed_do_better():
    cost, score = hull(np.array([1.0, 5.0, 9.0, 7.0]), np.array([0.5, 0.6, 1.0, 0.4]))
    assert (cost.tolist(), score.tolist()) == ([1.0, 9.0], [0.5, 1.0])


def test_a_coin_is_the_mix_itself():
    coin = np.tile([0, 0, 1, 1], 50)
    pick = np.arange(200), coin
    held = versus(SCORE, COST, SCORE[pick], COST[pick], GROUP, draws=200)
    assert held.mix.value == pytest.approx(1.0)
    assert held.mix.low < 1.0 < held.mix.high
    assert held.gain.value == pytest.approx(0.0)


def test_who_knows_which_are_hard_is_cheaper_beyond_doubt():
    knows = np.where(SCORE[:, 0] == 0, 1, 0)
    pick = np.arange(200), knows
    held = versus(SCORE, COST, SCORE[pick], COST[pick], GROUP, draws=200)
    assert held.quality.value == 0.0
    assert held.cost.value == held.mix.value == pytest.approx(5 / 9)
    assert held.mix.high < 1.0


def test_prompts_that_are_alike_are_drawn_together():
    rough = np.array([str(n // 50) for n in range(200)])
    pick = np.arange(200), (np.arange(200) < 100).astype(int)
    fine, coarse = (versus(SCORE, COST, SCORE[pick], COST[pick], one, draws=200) for one in (GROUP, rough))
    assert coarse.cost.high - coarse.cost.low > 2 * (fine.cost.high - fine.cost.low)
