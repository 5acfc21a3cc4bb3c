"""Recorded answers, and the ladders laid out of them."""

import pytest

from evaluators.firing import firings
from evaluators.records import read
from evaluators.trials import trial
from tests.evaluators.recorded import PAIR, write


async def test_a_ladder_has_scores_costs_and_ways_to_check(tmp_path):
    one = await trial(PAIR, read(write(tmp_path)))
    assert len(one.prompts) == 200
    assert one.small.mean() == pytest.approx(0.6, abs=0.1)
    assert one.large_cost[0] == pytest.approx(40 * 5 / 1e6)
    assert [option.name for option in one.options] == ["free checks", "and agreement with 1"]
    asked = one.options[1]
    assert asked.cost == pytest.approx(one.small_cost), "the peer is paid for"
    agreed = asked.signals[:, -2]
    assert agreed[one.small == 1].mean() > 0.8
    assert agreed[one.small == 0].mean() < 0.2


async def test_what_fires_is_counted_by_right_and_wrong(tmp_path):
    found = await firings(read(write(tmp_path)), 300)
    shape = next(one for one in found if (one.source, one.check) == ("all", "shape"))
    assert shape.right + shape.wrong == 300
    assert (shape.caught, shape.condemned) == (0, 0)
    assert 0 < shape.condemned_at_most < 0.05
