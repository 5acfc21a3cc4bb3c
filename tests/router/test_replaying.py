"""Recorded prompts as a batch: the real pipeline, and every answer, check and climb booked."""

from pathlib import Path

import numpy as np
import pytest

from evaluators.records import Answer, Prompt, Records, read
from router.difficulty import load
from router.replaying import LADDERS, WAYS, Ladder, Replay, Way, bench
from router.types import Prediction

DATA = Path(__file__).parents[3] / "shared" / "data"
LADDER = Ladder(source="quiz", rungs=("small", "large"), peers=("peer",))


class Even:
    """A classifier to which small is nearly as good as large."""

    scale = ""

    def describe(self, turns, /):
        return ()

    def predict(self, vector, models, segment=None, /):
        chances = {"small": 0.8, "large": 0.9, "peer": 0.7}
        return {model.name: Prediction(success=chances[model.name], output_tokens=20) for model in models}


def records():
    """Twenty sums; small is wrong in every second one, and the peer is right."""

    def told(score, text):
        return Answer(score=score, tokens_in=10, tokens_out=20, text=text)

    prompts = {
        f"p{n}": Prompt(text=f"What is {n} + 1?", group=f"p{n}", split="validation") for n in range(20)
    }
    right = {f"p{n}": told(1.0, f"The answer is {n + 1}.") for n in range(20)}
    small = {f"p{n}": told(float(n % 2), f"The answer is {n + n % 2}.") for n in range(20)}
    answers = {("quiz", "small"): small, ("quiz", "large"): right, ("quiz", "peer"): right}
    prices = {"small": (1.0, 1.0), "peer": (0.5, 0.5), "large": (10.0, 10.0)}
    return Records(prompts=prompts, answers=answers, prices=prices, signs={})


async def replayed(**way):
    known = records()
    return await Replay(bench(LADDER, known), known, Even()).answer(Way(name="a way", **way))


async def test_without_checks_every_answer_stands():
    made = await replayed(quality=0.8)
    assert (made.score.mean(), made.climbed) == (0.5, 0.0)
    assert made.cost == pytest.approx(np.full(20, 30 / 1e6))


async def test_a_wrong_answer_that_the_peer_contradicts_climbs_and_all_three_are_paid():
    made = await replayed(quality=0.8, peers=True)
    assert (made.score.mean(), made.climbed) == (1.0, 0.5)
    right, climbed = 30 + 15, 30 + 15 + 300 + 15
    assert made.cost * 1e6 == pytest.approx(np.tile([climbed, right], 10))


@pytest.mark.e2e  # reading the records takes seconds
@pytest.mark.skipif(not DATA.exists(), reason="the recorded answers (../shared/data) are not here")
async def test_a_batch_of_recorded_lines_costs_what_those_who_answered_charged():
    known = read(DATA)
    on = bench(LADDERS[0], known, most=40)
    made = await Replay(on, known, load()).answer(WAYS[0])
    assert len(made.cost) == 40
    of_whom = np.isclose(made.cost[:, None], on.cost, rtol=1e-9)
    assert of_whom.any(1).all()
    assert (made.score == on.score[np.arange(40), of_whom.argmax(1)]).all()
