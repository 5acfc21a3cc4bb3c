"""Was the model sure?"""

import math

import pytest

from evaluators.confidence import Confidence
from router.types import Delta
from tests.evaluators.checking import verdict
from tests.support.world import request


def logprobs(*chances):
    return {"content": [{"token": "a", "logprob": math.log(chance)} for chance in chances]}


SHAKY = [0.99] * 50 + [0.1] * 5 + [0.99] * 50


@pytest.mark.parametrize(
    ("measure", "score"),
    [("mean", 0.99 ** (100 / 105) * 0.1 ** (5 / 105)), ("min", 0.1), ("window", 0.1)],
)
async def test_the_score_is_a_geometric_mean(measure, score):
    said = await verdict(Confidence(measure=measure, window=5), "a", logprobs=logprobs(*SHAKY))
    assert said.score == pytest.approx(score)
    assert said.passed is (score >= 0.5)


async def test_an_answer_shorter_than_a_window_is_one():
    said = await verdict(Confidence(measure="window"), "a", logprobs=logprobs(0.25, 1))
    assert said.score == pytest.approx(0.5)


@pytest.mark.parametrize("given", [None, {}, {"content": None}, {"content": [None, {"logprob": "x"}]}])
async def test_without_logprobs_there_is_no_verdict(given):
    assert await verdict(Confidence(), "a", logprobs=given) is None


def test_a_window_is_judged_while_the_answer_grows():
    watch = Confidence(measure="window", window=5).watch(request())
    bursts = [(Delta(text="a", logprobs=logprobs(chance)),) for chance in SHAKY]
    failed = next(at for at, burst in enumerate(bursts) if watch.feed(burst) is not None)
    assert 50 <= failed < 55


def test_a_mean_can_only_be_told_in_the_end():
    assert Confidence().watch(request()) is None
