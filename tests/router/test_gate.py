"""The invariant, over generated streams: no byte a caller receives comes from a rejected attempt.

Bytes as upstreams send them go through the real decoder, gate, pipeline, renderer and response writer;
what comes out is read as a client reads it.
Every attempt marks all it says with its own name, so that a leak can be seen.
"""

import asyncio
import re
from dataclasses import dataclass, field, replace

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluators import EVALUATORS
from policies.language import Escalation, PolicySpec
from policies.meters import Health
from policies.policy import RoutedPolicy
from router.answers import StreamedAnswer
from router.dialects import DIALECTS, WIRES
from router.errors import Broken, RateLimited
from router.pipeline import Pipeline
from router.types import CostClass, Principal, Release, Verdict
from router.upstreams.openai_compatible import Deadlines, _items, _Watch
from tests.support.world import Book, FakeClock, features, flat_charge, model

MARK = re.compile(r"<(\d+)>")
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "run",
            "parameters": {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]},
        },
    }
]
REFUSAL = "I'm sorry, but I can't help with that."


@dataclass(frozen=True)
class Scene:
    """What one upstream call does: its events, how they are cut into reads, and how it ends."""

    events: tuple
    cuts: tuple
    ending: str
    ticks: tuple


@dataclass(frozen=True)
class Play:
    """One request, and what comes of every call that may be made for it."""

    scenes: tuple
    models: int
    max_calls: int
    release: Release
    hold_tokens: int
    checks: tuple
    rescue: tuple
    choices: int
    json: bool
    tools: bool
    usage: bool
    patience: int | None


words = st.sampled_from(
    ["word", "BAD", "WRONG", REFUSAL, "x" * 150, "\u00e4\u4e2d\U0001f600", " ", '{"a": 1}', "<think>"]
)
arguments = st.sampled_from(
    ['{"x": "MARK"}', '{"x": "}{\\"MARK"}', '{"x": "MARK"', "MARK", "", '{"y": ["MARK"]}', '{"x": "MARK"}}']
)
names = st.sampled_from(["run", "run", "run", "unknown"])


@st.composite
def speeches(draw, tools: bool):
    """What one choice says, as deltas of the wire."""
    deltas = [{"role": "assistant", "content": ""}] if draw(st.booleans()) else []
    for word in draw(st.lists(words, max_size=5)):
        key = draw(st.sampled_from(["content", "content", "content", "reasoning_content"]))
        deltas.append({key: f"<MARK>{word}"})
    for index in range(draw(st.integers(0, 2)) if tools else 0):
        text, name = draw(arguments).replace("MARK", "<MARK>"), draw(names)
        at = draw(st.integers(0, len(text)))
        head = {
            "index": index,
            "id": f"call<MARK>{index}",
            "type": "function",
            "function": {"name": name, "arguments": text[:at]},
        }
        deltas.append({"tool_calls": [head]})
        if at < len(text) or draw(st.booleans()):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": text[at:]}}]})
        if draw(st.booleans()):
            deltas.append({"content": "<MARK>between"})
    return [{"delta": delta, "finish_reason": None} for delta in deltas] + [
        {"delta": {}, "finish_reason": draw(st.sampled_from(["stop", "stop", "length", "tool_calls"]))}
    ]


@st.composite
def scenes(draw, choices: int, tools: bool):
    sides = [[c | {"index": n} for c in draw(speeches(tools))] for n in range(choices)]
    events = [choice for side in sides for choice in side]
    if draw(st.booleans()):
        events = sorted(
            events, key=lambda choice: len(str(choice["delta"])) % 3 if choice["finish_reason"] is None else 9
        )
        for number in range(choices):  # the pieces of a call keep their order
            mine = iter(sides[number])
            events = [next(mine) if c["index"] == number else c for c in events]
    ending = draw(
        st.sampled_from(
            ["done"] * 5 + ["no done", "cut", "error", "garbage", "dead", "limited", "other model"]
        )
    )
    return Scene(
        events=tuple(orjson.dumps(event).decode() for event in events),
        cuts=tuple(draw(st.lists(st.integers(1, 400), max_size=8))),
        ending=ending,
        ticks=tuple(draw(st.lists(st.sampled_from([0, 0, 0.001, 0.1, 1.0]), min_size=1, max_size=4))),
    )


@st.composite
def plays(draw):
    choices, tools = draw(st.sampled_from([1, 1, 1, 2])), draw(st.booleans())
    return Play(
        scenes=tuple(draw(st.lists(scenes(choices, tools), min_size=1, max_size=4))),
        models=draw(st.integers(1, 3)),
        max_calls=draw(st.integers(1, 4)),
        release=draw(
            st.sampled_from([Release.GATED, Release.GATED, Release.GATED, Release.HELD, Release.RELAYED])
        ),
        hold_tokens=draw(st.sampled_from([1, 10, 48])),
        checks=tuple(
            draw(st.lists(st.sampled_from(["shape", "refusal", "bad", "wrong"]), max_size=4, unique=True))
        ),
        rescue=tuple(draw(st.sampled_from([(), ("resample",), ("resample", "repair", "think")]))),
        choices=choices,
        json=draw(st.sampled_from([False, False, False, True])),
        tools=tools,
        usage=draw(st.booleans()),
        patience=draw(st.sampled_from([None, None, None, None, 0, 1, 2, 5])),
    )


class Bad:
    """A check that watches for a word."""

    name, asks, cost_class = "bad", (), CostClass.FREE

    def watch(self, request, /):
        return self

    def feed(self, burst, /):
        return self._failed() if any("BAD" in delta.text for delta in burst) else None

    async def judge(self, request, reply, ask, /):
        bad = any("BAD" in choice.text for choice in reply.choices)
        return self._failed() if bad else Verdict(check="bad", passed=True)

    def _failed(self):
        return Verdict(check="bad", passed=False, reason="it said BAD")


class Wrong:
    """A check that needs the whole answer."""

    name, asks, cost_class = "wrong", (), CostClass.FREE

    def watch(self, request, /):
        return None

    async def judge(self, request, reply, ask, /):
        right = "WRONG" not in reply.text
        return Verdict(check="wrong", passed=right, reason="" if right else "wrong", score=float(right))


def checks():
    return {"bad": Bad(), "wrong": Wrong(), **{n: EVALUATORS[n]({}) for n in ("shape", "refusal")}}


@dataclass
class Content:
    """The body of a response, in the reads of a scene."""

    reads: list
    clock: FakeClock
    ticks: tuple
    error: BaseException | None
    turn: int = 0

    async def readany(self):
        tick = self.ticks[self.turn % len(self.ticks)]
        self.turn += 1
        self.clock.at += tick
        for _ in range(3 if tick else 0):
            await asyncio.sleep(0)  # long enough for the gate to lose its patience
        if self.reads:
            return self.reads.pop(0)
        if self.error is not None:
            raise self.error
        return b""


@dataclass
class Stage:
    """An upstream that plays one scene a call; the last is played again and again."""

    scenes: tuple
    clock: FakeClock
    calls: int = 0

    async def send(self, request, model, /):
        self.calls += 1
        scene = self.scenes[min(self.calls, len(self.scenes)) - 1]
        if scene.ending == "dead":
            raise Broken("down", status=500)
        if scene.ending == "limited":
            raise RateLimited("later", status=429)
        served = "somebody-else" if scene.ending == "other model" else model.upstream_name
        error = ConnectionResetError("gone") if scene.ending == "cut" else None
        content = Content(reads_of(scene, str(self.calls), served), self.clock, scene.ticks, error)
        watch = _Watch(self.clock, Deadlines(first_token=1e6, idle=1e6, total=1e6), stream=True)
        response = type("Response", (), {"content": content})
        try:
            async for item in _items(response, WIRES["chat"]().decoder(request, stream=True), watch):
                yield item
        except ConnectionResetError:
            raise Broken("reset") from None

    async def close(self): ...


def reads_of(scene, name, served):
    frames = [
        {
            "id": "up",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": served,
            "choices": [orjson.loads(event)],
        }
        for event in scene.events
    ]
    if scene.ending in {"cut", "error", "garbage"}:
        frames = frames[: len(frames) // 2]
    frames.append({"model": served, "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}})
    data = b"".join(
        b"data: " + orjson.dumps(frame).replace(b"<MARK>", f"<{name}>".encode()) + b"\n\n" for frame in frames
    )
    data += {
        "error": b'data: {"error": {"message": "no"}}\n\n',
        "garbage": b"data: <html>\n\n",
        "no done": b"",
    }.get(scene.ending, b"data: [DONE]\n\n")
    reads = []
    for cut in scene.cuts:
        reads.append(data[:cut])
        data = data[cut:]
    return [read for read in [*reads, data] if read]


@dataclass
class Written:
    """The response a client reads; it breaks after `patience` writes."""

    patience: int | None
    data: bytes = b""
    writes: int = 0

    async def write(self, data):
        if self.patience is not None and self.writes >= self.patience:
            raise ConnectionResetError
        self.writes += 1
        self.data += data

    async def write_eof(self): ...


class Answer(StreamedAnswer):
    """The real one, but for the socket."""

    def __init__(self, request, renderer, response):
        super().__init__(None, request, renderer, keepalive=1e6)
        self.written = response

    async def _open(self, decided):
        self._response = self.written
        return self.written


@dataclass
class Told:
    """What came of a play."""

    outcome: object
    rows: list
    events: list = field(default_factory=list)
    done: int = 0
    gone: bool = False

    @property
    def chunks(self):
        return [event for event in self.events if "choices" in event]

    def choices(self):
        return [choice for chunk in self.chunks for choice in chunk["choices"]]


async def performed(play):
    clock, book = FakeClock(), Book()
    members = [model(f"m{n}", price=n + 1) for n in range(play.models)]
    spec = PolicySpec(
        checks=play.checks,
        stream_release=play.release,
        gate={"tokens": play.hold_tokens, "milliseconds": 800},
        escalation=Escalation(max_calls=play.max_calls, rescue=play.rescue),
    )
    policy = RoutedPolicy(
        "p", spec, members, health=Health(clock), strongest=members[-1], evaluators=checks()
    )
    pipeline = Pipeline(
        models={m.name: m for m in members},
        upstreams={"fake": Stage(play.scenes, clock)},
        measure=lambda *_: features({m.name: 0.5 + n / 10 for n, m in enumerate(members)}),
        charge=flat_charge,
        count=len,
        sinks=[book],
        clock=clock,
    )
    body = {
        "model": "auto",
        "stream": True,
        "n": play.choices,
        "messages": [{"role": "user", "content": "hi"}],
    }
    body |= {"tools": TOOLS} if play.tools else {}
    body |= {"response_format": {"type": "json_object"}} if play.json else {}
    body |= {"stream_options": {"include_usage": True}} if play.usage else {}
    request = DIALECTS["chat"].parse(orjson.dumps(body), request_id="r", principal=Principal())
    response = Written(play.patience)
    told = Told(None, book.rows)
    async with Answer(request, DIALECTS["chat"].renderer(request, created=1), response) as answer:
        try:
            told.outcome = await pipeline.run(request, policy, answer)
            if answer.begun or told.outcome.chosen is not None:
                await answer.finish(told.outcome)
        except ConnectionResetError:
            told.gone = True
    for frame in response.data.split(b"\n\n"):
        if frame == b"data: [DONE]":
            told.done += 1
        elif frame:
            told.events.append(orjson.loads(frame.removeprefix(b"data: ")))
    return told


def check_what_was_told(play, told):
    rows = told.rows
    assert len(rows) <= play.max_calls
    assert [row.final for row in rows] == [False] * (len(rows) - 1) + [True]
    assert not any(row.committed and row.status == "rejected" for row in rows)
    seen = {int(mark) for mark in MARK.findall(orjson.dumps(told.events).decode())}
    assert len(seen) <= 1, "two attempts are mixed"
    shown = next((row for row in rows if row.committed), None)
    if shown is None and told.outcome is not None and told.outcome.chosen is not None:
        shown = rows[told.outcome.chosen.number - 1]
    assert seen <= ({shown.attempt} if shown else set())
    assert all(row.status != "rejected" for row in rows if row.attempt in seen) or rows[-1].status in {
        "rejected",
        "failed",
    }
    assert len({chunk["id"] for chunk in told.chunks}) <= 1
    check_calls(play, told, shown)
    if told.gone:
        assert told.done == 0
    elif told.outcome.failure is not None:
        assert told.done == 0
        assert not told.events or "error" in told.events[-1]
        assert not any(choice["finish_reason"] for choice in told.choices())
    else:
        check_a_whole_answer(play, told)


def check_calls(play, told, shown):
    calls = {}
    for choice in told.choices():
        for call in choice["delta"].get("tool_calls", ()):
            key = choice["index"], call["index"]
            calls[key] = calls.get(key, "") + call["function"].get("arguments", "")
    if shown is not None and shown.committed and play.release is not Release.RELAYED:
        for text in calls.values():
            orjson.loads(text or "{}")


def check_a_whole_answer(play, told):
    chosen, choices = told.outcome.chosen, told.choices()
    assert told.done == 1
    present = {choice["index"] for choice in choices}
    for index in present:
        mine = [choice for choice in choices if choice["index"] == index]
        assert ["role" in choice["delta"] for choice in mine] == [True] + [False] * (len(mine) - 1)
        assert [bool(choice["finish_reason"]) for choice in mine] == [False] * (len(mine) - 1) + [True]
        text = "".join(choice["delta"].get("content") or "" for choice in mine)
        assert text == chosen.reply.choices[index].text
    usages = [chunk["usage"] for chunk in told.chunks if chunk.get("usage")]
    assert usages == ([{"prompt_tokens": 7, "completion_tokens": 3}] if play.usage else [])
    note = told.chunks[-1]["farthing"]
    assert note["attempts"] == len(told.rows)
    assert (note.get("check") == "failed") == any(not verdict.passed for verdict in chosen.verdicts)
    assert told.outcome.cost == sum(row.cost or 0 for row in told.rows)


calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@given(play=plays())
@settings(calm, max_examples=150)
def test_no_byte_a_caller_receives_comes_from_a_rejected_attempt(play):
    check_what_was_told(play, asyncio.run(performed(play)))


@pytest.mark.e2e
@given(play=plays())
@settings(calm, max_examples=5000)
def test_no_byte_of_a_rejected_attempt_in_five_thousand_streams(play):
    check_what_was_told(play, asyncio.run(performed(play)))


def test_the_test_would_see_a_leak():
    scene = Scene(('{"index":0,"delta":{"content":"<MARK>word"},"finish_reason":"stop"}',), (), "done", (0,))
    play = Play((scene,), 1, 1, Release.GATED, 1, (), (), 1, False, False, False, None)
    told = asyncio.run(performed(play))
    check_what_was_told(play, told)
    other = replace(told.rows[0], attempt=2)
    with pytest.raises(AssertionError):
        check_what_was_told(play, Told(told.outcome, [other], told.events, told.done))
