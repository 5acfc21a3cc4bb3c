"""What every self-check keeps to, whatever a model sends it."""

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluators import EVALUATORS
from evaluators.text import TextCheck
from router.draft import assemble
from router.errors import Unreachable
from router.seams import Ask, Evaluator, EvaluatorMaker, Watch
from router.types import (
    AnswerForm,
    Choice,
    CostClass,
    Delta,
    Ending,
    Reply,
    Request,
    Tool,
    ToolCall,
    Verdict,
)
from tests.support.world import request

LONGEST = 0.05
"""Seconds of CPU that the worst reply may take at once: checks run on the event loop, where others wait."""

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

OPTIONS: dict[str, dict] = {
    "python": {"call": "operator:is_not"},
    "command": {"run": ["true"]},
}
"""Options of the checks that cannot do without."""

CHECKS: dict[str, Evaluator] = {name: maker(OPTIONS.get(name, {})) for name, maker in EVALUATORS.items()}

each_check = pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
each_maker = pytest.mark.parametrize(("name", "maker"), EVALUATORS.items(), ids=EVALUATORS.keys())
hostile = pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())


@dataclass
class Asked:
    """An `Ask` that answers by a function, and remembers whom it asked."""

    answer: Callable[[str, Request], Awaitable[Reply]]
    model: str = "small"
    models: list[str] = field(default_factory=list)

    async def __call__(self, model: str, request: Request, /) -> Reply:
        self.models.append(model)
        return await self.answer(model, request)


async def unreachable(model: str, request: Request, /) -> Reply:
    raise Unreachable


async def babbling(model: str, request: Request, /) -> Reply:
    return said('{"score": "very", "verdict": [')


async def judged(check: Evaluator, asked: Request, reply: Reply, answer=babbling) -> Verdict | None:
    ask: Ask = Asked(answer)
    return await check.judge(asked, reply, ask)


def within_its_bounds(check: Evaluator, verdict: Verdict | None) -> None:
    if verdict is None:
        return  # it cannot tell, or it is not its subject
    assert isinstance(verdict, Verdict)
    assert verdict.check == check.name
    assert verdict.passed or verdict.reason, "who fails a reply says why"
    assert len(verdict.reason) < 300, "a reason is kept in the ledger"
    assert verdict.score is None or 0 <= verdict.score <= 1


def split(reply: Reply, *cuts: int) -> Iterator[tuple[Delta, ...]]:
    """A reply as bursts: its first choice's text cut at `cuts`, everything else with the last piece."""
    first, *others = reply.choices
    edges = [0, *sorted(cut for cut in cuts if cut < len(first.text)), len(first.text)]
    pieces = [first.text[a:b] for a, b in pairwise(edges)]
    yield from ((Delta(text=piece),) for piece in pieces[:-1])
    last = Delta(
        text=pieces[-1],
        refusal=first.refusal,
        tool_calls=first.tool_calls,
        finish_reason=first.finish_reason,
        logprobs=first.logprobs,
    )
    rest = (Delta(choice=c.index, text=c.text, finish_reason=c.finish_reason) for c in others)
    yield (last, *rest)


def watched(check: Evaluator, asked: Request, bursts: Iterator[tuple[Delta, ...]]) -> Verdict | None:
    """What a watch says in the end."""
    watch: Watch | None = check.watch(asked)
    if watch is None:
        return None
    return next(filter(None, map(watch.feed, bursts)), None)


@each_maker
def test_its_options_have_a_schema_and_a_wrong_one_is_refused(name: str, maker: EvaluatorMaker):
    made = maker(OPTIONS.get(name, {}))
    assert made.cost_class in CostClass
    assert maker.schema["additionalProperties"] is False
    assert all(option.get("description") for option in maker.schema["properties"].values())
    with pytest.raises(ValueError, match="nonsense"):
        maker({**OPTIONS.get(name, {}), "nonsense": 1})


@pytest.fixture
def no_collector():
    """Keeps the garbage of the whole suite out of what is measured."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def longest_turn(monkeypatch, no_collector):
    """The longest time, in seconds of CPU, that one callback had the event loop for itself."""
    turns = [0.0]
    run = asyncio.Handle._run

    def timed(handle):
        began = time.thread_time()
        run(handle)
        turns[0] = max(turns[0], time.thread_time() - began)

    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    return turns


def requests_for(check: Evaluator) -> list[Request]:
    """All of them; two for those that may start a process each time."""
    few = check.cost_class is CostClass.PAID
    return [REQUESTS["plain"], REQUESTS["json"]] if few else list(REQUESTS.values())


@each_check
@hostile
async def test_it_judges_every_reply_to_every_request_and_lets_others_have_a_turn(
    check: Evaluator, reply: Reply, longest_turn
):
    for each in requests_for(check):
        within_its_bounds(check, await judged(check, each, reply))
    await asyncio.sleep(0)
    assert longest_turn[0] < LONGEST


@each_check
@hostile
def test_it_watches_every_reply_without_holding_anybody_up(check: Evaluator, reply: Reply, no_collector):
    for each in requests_for(check):
        watch = check.watch(each)
        if watch is None or not reply.choices:
            continue
        for burst in split(reply):
            began = time.thread_time()
            within_its_bounds(check, watch.feed(burst))
            assert time.thread_time() - began < LONGEST


@each_check
@pytest.mark.parametrize("answer", [unreachable, babbling])
async def test_it_copes_with_a_model_that_does_not_help(check: Evaluator, answer):
    within_its_bounds(check, await judged(check, request(), said("The answer is 4."), answer))


@each_check
@hostile
async def test_it_says_the_same_again(check: Evaluator, reply: Reply):
    first = await judged(check, REQUESTS["json"], reply)
    assert await judged(check, REQUESTS["json"], reply) == first


@each_check
@given(text=st.text(max_size=400), arguments=st.text(max_size=50))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_it_never_raises(check: Evaluator, text: str, arguments: str):
    for reply in (said(text), said(text, tool_calls=calls(("weather", arguments)))):
        for asked in (REQUESTS["plain"], REQUESTS["json"], REQUESTS["tools"]):
            within_its_bounds(check, await judged(check, asked, reply))


@each_check
@hostile
async def test_what_a_watch_fails_the_whole_fails_too_for_the_same_reason(check: Evaluator, reply: Reply):
    if not reply.choices:
        return
    for each in requests_for(check):
        for cuts in ((), (1,), range(0, 2000, 7)):
            verdict = watched(check, each, split(reply, *cuts))
            if verdict is not None:
                within_its_bounds(check, verdict)
                assert not verdict.passed
                whole = await judged(check, each, reply)
                assert (whole.passed, whole.reason) == (False, verdict.reason)


@each_check
@given(text=st.text(max_size=300), cuts=st.sets(st.integers(1, 299), max_size=20))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_however_a_reply_is_split_the_watch_says_the_same(check: Evaluator, text: str, cuts):
    once = watched(check, request(), split(said(text)))
    assert watched(check, request(), split(said(text), *cuts)) == once


WRONG = {
    "refusal": "I'm sorry, but I can't help with that. " + "Really. " * 20,
    "leak": "Well. <|im_end|> " + "And so on. " * 20,
    "repetition": "It is so. " + "The bond energy is the bond energy. " * 60 + "The end.",
    "language": "La respuesta es que el modelo de los precios no se conoce por la empresa y las personas. "
    * 6,
    "arithmetic": "We see that 12 * 13 = 146.\nSo be it.\n" + "And so on. " * 20,
    "code": "Here:\n```python\ndef f(:\n```\n" + "And so on. " * 20,
    "hedging": "I'm not sure, perhaps it is 4. " + "And so on. " * 60,
}
"""For each check that reads the text of answers, one that it fails while it grows."""

ASKED = request("What is the price of the model, and how many of them are there in all?")


@pytest.mark.parametrize("name", WRONG)
@given(cuts=st.sets(st.integers(1, 2000), max_size=40))
@settings(max_examples=20)
async def test_however_a_wrong_text_is_split_the_watch_and_the_whole_fail_it(name: str, cuts):
    check, reply = CHECKS[name], said(WRONG[name])
    verdict = watched(check, ASKED, split(reply, *cuts))
    assert not verdict.passed
    whole = await judged(check, ASKED, reply)
    assert (whole.passed, whole.reason) == (False, verdict.reason)


def test_every_check_of_a_text_has_a_wrong_one():
    assert {name for name, check in CHECKS.items() if isinstance(check, TextCheck)} == WRONG.keys() - {
        "refusal"
    }


def seconds(check: Evaluator, tokens: int) -> float:
    """CPU time that a watch takes for an answer of so many tokens, four letters each, four in a burst."""
    random = Random(tokens)
    words = ("".join(random.choices("etaoinshrdlu", k=3)) for _ in range(tokens))
    bursts = [(Delta(text=" ".join(four) + " "),) for four in zip(*[words] * 4, strict=True)]
    watch = check.watch(ASKED)
    began = time.process_time()
    for burst in bursts:
        assert watch.feed(burst) is None
    return time.process_time() - began


@pytest.mark.parametrize("name", WRONG)
def test_the_work_of_a_watch_is_linear_in_the_answers_length(name: str):
    small = min(seconds(CHECKS[name], 5_000) for _ in range(3))
    assert min(seconds(CHECKS[name], 10_000) for _ in range(3)) < 2.6 * small + 0.002


@pytest.mark.bench
@pytest.mark.parametrize("name", WRONG)
def test_the_work_of_a_watch_is_linear_to_a_hundred_thousand_tokens(name: str):
    half, full = (min(seconds(CHECKS[name], tokens) for _ in range(3)) for tokens in (50_000, 100_000))
    said = f"{name}: {half * 1000:.0f} ms for 50,000 tokens, {full * 1000:.0f} ms for 100,000"
    sys.stderr.write(f"\n{said}, {full / half:.2f} times as long\n")
    assert full < 2.6 * half


@each_check
async def test_a_free_check_asks_nobody(check: Evaluator):
    ask = Asked(babbling)
    for reply in REPLIES.values():
        await check.judge(request(), reply, ask)
    assert check.cost_class is CostClass.PAID or ask.models == []


def test_the_pieces_of_a_split_make_the_reply_again():
    reply = REPLIES["a call with half arguments"]
    again = assemble([delta for burst in split(reply, 1) for delta in burst], Ending())
    assert again.choices[0].tool_calls == reply.choices[0].tool_calls
