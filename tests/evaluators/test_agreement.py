"""Do other attempts agree?"""

import pytest

from evaluators.agreement import Agreement
from router.errors import Unreachable
from router.types import ToolCall
from tests.evaluators.checking import Answers, verdict
from tests.support.world import request


async def test_the_score_is_the_share_that_agrees():
    ask = Answers(["B", "The answer is (B).", "C", "D"])
    said = await verdict(Agreement(samples=4), "Let us see. The answer is B.", ask=ask)
    assert (said.passed, said.score) == (True, 0.5)
    assert [model for model, _ in ask.asked] == ["small"] * 4


async def test_too_few_that_agree_fail():
    said = await verdict(Agreement(samples=2), "4", ask=Answers(["5", "4.5"]))
    assert (said.passed, said.score, said.reason) == (False, 0.0, "others answer otherwise")


async def test_others_may_be_asked_in_turn():
    ask = Answers(["4"])
    check = Agreement(samples=3, models=("a", "b"))
    await verdict(check, "4", ask=ask)
    assert [model for model, _ in ask.asked] == ["a", "b", "a"]
    assert check.asks == ("a", "b")


async def test_the_question_is_put_again_with_chance_in_it():
    ask = Answers(["4"])
    body = {"messages": [], "temperature": 0, "seed": 1, "stream": True, "logprobs": True, "max_tokens": 9}
    await verdict(Agreement(samples=1), "4", to=request(stream=True, body=body), ask=ask)
    ((_, question),) = ask.asked
    assert question.body == {"messages": [], "temperature": 0.7, "max_tokens": 9}
    assert not question.stream


async def test_an_answer_that_cannot_be_compared_costs_nothing():
    ask = Answers(["4"])
    assert await verdict(Agreement(), "A long story about a fox. " * 20, ask=ask) is None
    assert ask.asked == []


async def test_calls_of_tools_are_compared_too():
    call = (ToolCall(name="f", arguments='{"b": 1, "a": 2}'),)
    said = await verdict(Agreement(samples=1), "", tool_calls=call, ask=Answers(["4"]))
    assert not said.passed


async def test_those_who_do_not_answer_do_not_count():
    said = await verdict(Agreement(samples=2), "4", ask=Answers([Unreachable(), "4"]))
    assert (said.passed, said.score) == (True, 1.0)
    assert await verdict(Agreement(samples=2), "4", ask=Answers([Unreachable()])) is None


async def test_a_fault_of_ours_is_not_hidden():
    with pytest.raises(KeyError):
        await verdict(Agreement(samples=1), "4", ask=Answers([KeyError("x")]))
