"""What every self-check keeps to, whatever a model sends it."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluators import EVALUATORS
from router.errors import Unreachable
from router.seams import Evaluator
from router.types import AnswerForm, Choice, Reply, Request, Tool, ToolCall, Verdict
from tests.support.world import request

LONGEST = 2.0
"""Seconds for the worst reply: checks run on the event loop, where everyone else waits meanwhile."""

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
RECURSIVE = {"$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"}
TOOL = Tool(name="weather", parameters=SCHEMA)
MILLION = 1_000_000

REQUESTS = {
    "plain": request(),
    "nothing": request(""),
    "code": request("Write a Python function `f` that adds two numbers. Reply with code only."),
    "json": request(answer=AnswerForm(schema=SCHEMA)),
    "any json": request(answer=AnswerForm()),
    "absurd schema": request(answer=AnswerForm(schema={"type": 7, "pattern": "(a+)+$", "$ref": "http://x"})),
    "recursive schema": request(answer=AnswerForm(schema=RECURSIVE)),
    "tools": request(tools=(TOOL, Tool(name="any"))),
}


def said(text: str = "", **fields) -> Reply:
    return Reply(choices=(Choice(text=text, finish_reason="stop", **fields),))


def calls(*pairs: tuple[str | None, str]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(index=i, id=f"t{i}", name=n, arguments=a) for i, (n, a) in enumerate(pairs))


REPLIES = {
    "no choice": Reply(),
    "nothing": said(),
    "white space": said(" \n\t" * 1000),
    "control characters": said("\x00\x07\u202e\ufeff\ud83d"),
    "one long line": said("a" * MILLION),
    "one word again and again": said("buffalo " * (MILLION // 8)),
    "a sorry that never ends": said("I'm sorry, but I " * (MILLION // 17)),
    "backtracking bait": said("(" * 50_000 + "a" * 50_000 + "!"),
    "ticks": said("`" * 100_000),
    "fences without end": said("```python\n" * 10_000),
    "deep lists": said("[" * 100_000),
    "deep objects": said('{"n":' * 20_000 + "1" + "}" * 20_000),
    "wide object": said('{"a": 1' + ', "b": 2' * 100_000 + "}"),
    "a great number": said('{"a": ' + "9" * 10_000 + "}"),
    "not a number": said('{"a": NaN}'),
    "bad code": said("```python\ndef f(:\n```"),
    "deep code": said("```python\n" + "(" * 5000 + "1" + ")" * 5000 + "\n```"),
    "a thinker that never answers": said("<think>" + "hmm " * 50_000),
    "ten thousand calls": said(tool_calls=calls(*[("weather", '{"a": 1}')] * 10_000)),
    "a call of nothing": said(tool_calls=calls((None, ""))),
    "a call with half arguments": said(tool_calls=calls(("weather", '{"a": '))),
    "a refusal": said(refusal="No."),
    "filtered": Reply(choices=(Choice(finish_reason="content_filter"),)),
    "a finish nobody knows": Reply(choices=(Choice(text="x", finish_reason="zork"),)),
    "absurd logprobs": said("x", logprobs={"content": [{"token": None, "logprob": "high"}, None, 7]}),
    "logprobs without end": said(
        "a" * 5000, logprobs={"content": [{"token": "a", "logprob": float("-inf")}] * 5000}
    ),
    "empty logprobs": said("x", logprobs={}),
    "a hundred choices": Reply(choices=tuple(Choice(index=i, text=f"{i}") for i in range(100))),
}

each_evaluator = pytest.mark.parametrize(("name", "evaluator"), EVALUATORS.items())
hostile = pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())


async def unreachable(model: str, request: Request, /) -> Reply:
    raise Unreachable


async def babbling(model: str, request: Request, /) -> Reply:
    return said('{"score": "very", "verdict": [')


def within_its_bounds(name: str, verdict: Verdict | None) -> None:
    if verdict is None:
        return  # it cannot tell: too early, or not its subject
    assert isinstance(verdict, Verdict)
    assert verdict.check == name
    assert verdict.passed or verdict.reason, "who fails a reply says why"
    assert len(verdict.reason) < 300, "a reason is kept in the ledger"
    assert verdict.score is None or 0 <= verdict.score <= 1


@each_evaluator
@hostile
async def test_it_judges_every_reply_to_every_request(name: str, evaluator: Evaluator, reply: Reply):
    for each in REQUESTS.values():
        for complete in (True, False):
            judged = replace(reply, complete=complete)
            began = time.perf_counter()
            verdict = await evaluator(each, judged, babbling)
            assert time.perf_counter() - began < LONGEST
            within_its_bounds(name, verdict)


@each_evaluator
@pytest.mark.parametrize("ask", [unreachable, babbling])
async def test_it_copes_with_a_model_that_does_not_help(
    name: str, evaluator: Evaluator, ask: Callable[[str, Request], Awaitable[Reply]]
):
    reply = said("The answer is 4.")
    within_its_bounds(name, await evaluator(request(), reply, ask))


@each_evaluator
@hostile
async def test_it_says_the_same_again(name: str, evaluator: Evaluator, reply: Reply):
    first = await evaluator(REQUESTS["json"], reply, babbling)
    assert await evaluator(REQUESTS["json"], reply, babbling) == first


@each_evaluator
@given(text=st.text(max_size=400), arguments=st.text(max_size=50), cut=st.integers(0, 400))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_it_never_raises(name: str, evaluator: Evaluator, text: str, arguments: str, cut: int):
    for reply in (said(text), said(text, tool_calls=calls(("weather", arguments)))):
        for asked in (REQUESTS["plain"], REQUESTS["json"], REQUESTS["tools"]):
            within_its_bounds(name, await evaluator(asked, reply, babbling))
    growing = Reply(choices=(Choice(text=text[:cut]),), complete=False)
    within_its_bounds(name, await evaluator(request(), growing, babbling))
