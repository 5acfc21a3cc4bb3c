"""The fake upstream does what its scripts say: everything else that uses it leans on that."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest

from tests.support.fake_faults import ANSWERS
from tests.support.fake_streams import STREAMS
from tests.support.fake_upstream import Answer, FakeUpstream, Fault, script_of

HARMLESS = {"hostile-headers", "stream-plain-json", "stream-flood", "stream-giant", "stream-no-done"}
HARMLESS |= {"stream-split-utf8", "stream-crlf", "stream-multiline", "stream-dialect", "stream-framing"}
HARMLESS |= {"stream-after-done", "length-short"}
PLACE = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": PLACE}}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": NO_ARGUMENTS}}
PATIENCE = aiohttp.ClientTimeout(total=10)
BRIEF = aiohttp.ClientTimeout(total=0.15)
"""For what may never end; that a broken answer comes later than this is broken enough."""


@pytest.fixture
async def fake() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        yield upstream


def asking(model: str = "m", words: str = "Hello there", **options: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": words}], **options}


async def ask(fake: FakeUpstream, body: dict[str, Any], **options: Any) -> bytes:
    async with aiohttp.ClientSession(**options) as session:
        address = f"{fake.url}/chat/completions"
        async with session.post(address, json=body, allow_redirects=False) as response:
            assert response.status == 200, response.status
            return await response.read()


async def told(fake: FakeUpstream, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(await ask(fake, body))
    return answer


async def streamed(fake: FakeUpstream, body: dict[str, Any]) -> list[dict[str, Any]]:
    data = (await ask(fake, {**body, "stream": True})).decode()
    events = [event.removeprefix("data: ") for event in data.split("\n\n") if event]
    assert events[-1] == "[DONE]"
    return [json.loads(event) for event in events[:-1]]


async def test_an_answer_speaks_back_the_last_words(fake: FakeUpstream) -> None:
    answer = await told(fake, asking())

    assert answer["choices"][0]["message"]["content"] == "m answers: Hello there"
    assert answer["usage"]["completion_tokens"] == 4


@pytest.mark.parametrize("asked", [True, False])
async def test_a_stream_counts_its_tokens_only_when_asked(fake: FakeUpstream, *, asked: bool) -> None:
    chunks = await streamed(fake, asking(stream_options={"include_usage": asked}))

    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert (
        "".join(c["delta"].get("content", "") for x in chunks for c in x["choices"])
        == "m answers: Hello there"
    )
    assert ("usage" in chunks[-1], chunks[-1]["choices"] == []) == (asked, asked)


@pytest.mark.parametrize(
    ("options", "words", "called"),
    [
        ({"tool_choice": "required"}, "Hello", ["weather"]),
        ({"tool_choice": {"type": "function", "function": {"name": "clock"}}}, "Hello", ["clock"]),
        ({"tool_choice": "none"}, "weather and clock", []),
        ({}, "weather and clock", ["weather", "clock"]),
        ({"parallel_tool_calls": False}, "weather and clock", ["weather"]),
        ({}, "Hello", []),
    ],
)
async def test_tools_are_called_as_the_request_says(
    fake: FakeUpstream, options: dict[str, Any], words: str, called: list[str]
) -> None:
    answer = await told(fake, asking(words=words, tools=[WEATHER, CLOCK], **options))

    calls = answer["choices"][0]["message"].get("tool_calls", [])
    assert [call["function"]["name"] for call in calls] == called


async def test_a_streamed_tool_call_comes_in_fragments(fake: FakeUpstream) -> None:
    chunks = await streamed(fake, asking(tools=[WEATHER], tool_choice="required"))

    deltas = [call for x in chunks for c in x["choices"] for call in c["delta"].get("tool_calls", [])]
    assert len(deltas) > 3
    assert json.loads("".join(d["function"]["arguments"] for d in deltas)) == {"city": "text", "days": 7}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_a_schema_is_filled(fake: FakeUpstream) -> None:
    number = {"anyOf": [{"type": "number"}, {"type": "null"}]}
    part = {"$ref": "#/$defs/p"}
    schema = {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "parts": {"type": "array", "items": part}},
        "$defs": {"p": {"type": "object", "properties": {"n": number}}},
    }
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}

    answer = await told(fake, asking(response_format=form))

    assert json.loads(answer["choices"][0]["message"]["content"]) == {"kind": "a", "parts": [{"n": 7.5}]}


async def test_the_other_options_are_honoured(fake: FakeUpstream) -> None:
    several = await told(fake, asking(n=2, logprobs=True, top_logprobs=2))
    stopped = await told(fake, asking(stop=["there"]))
    short = await told(fake, asking(max_tokens=2))

    assert [choice["index"] for choice in several["choices"]] == [0, 1]
    assert len(several["choices"][0]["logprobs"]["content"][0]["top_logprobs"]) == 2
    assert stopped["choices"][0]["message"]["content"] == "m answers: Hello "
    assert short["choices"][0]["finish_reason"] == "length"


async def test_scripts_serve_one_request_each_and_the_last_one_stays(fake: FakeUpstream) -> None:
    fake.script("m", Fault("500"), Answer(text="one"), Answer(text="two", served_model="other"))

    with pytest.raises(AssertionError, match="500"):
        await ask(fake, asking())
    answers = [await told(fake, asking()) for _ in range(3)]

    assert [answer["choices"][0]["message"]["content"] for answer in answers] == ["one", "two", "two"]
    assert answers[-1]["model"] == "other"
    assert [request.state for request in fake.of("m")] == ["answered"] * 4


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("name", sorted(ANSWERS.keys() - HARMLESS - {"gzip-bomb"}))
async def test_a_broken_answer_is_no_answer(fake: FakeUpstream, name: str, *, streams: bool) -> None:
    with pytest.raises((OSError, aiohttp.ClientError, AssertionError, ValueError, LookupError, TypeError)):
        await _content(fake, asking(f"fault-{name}", stream=streams))


@pytest.mark.parametrize("name", sorted(STREAMS.keys() - HARMLESS))
async def test_a_broken_stream_does_not_end_well(fake: FakeUpstream, name: str) -> None:
    with pytest.raises((OSError, aiohttp.ClientError, AssertionError, ValueError, LookupError)):
        await _whole_stream(fake, asking(f"fault-{name}"), BRIEF)


@pytest.mark.parametrize("name", ["hostile-headers", "stream-crlf", "stream-multiline", "stream-dialect"])
async def test_an_odd_stream_says_all_it_has_to_say(fake: FakeUpstream, name: str) -> None:
    spoken = await _whole_stream(fake, asking(f"fault-{name}"))

    assert spoken == f"fault-{name} answers: Hello there"


async def test_a_late_fault_comes_after_many_events(fake: FakeUpstream) -> None:
    with pytest.raises((OSError, aiohttp.ClientError, AssertionError)):
        await _whole_stream(fake, asking("fault-stream-rst@60"))

    assert fake.requests[0].events >= 60


async def test_a_client_that_leaves_is_noticed(fake: FakeUpstream) -> None:
    with pytest.raises(TimeoutError):
        await ask(fake, asking("fault-stream-stall", stream=True), timeout=BRIEF)

    assert await fake.wait(lambda: fake.requests[0].state == "disconnected", within=2)


async def test_a_redirect_leads_to_where_it_would_be_seen(fake: FakeUpstream) -> None:
    async with aiohttp.ClientSession() as session:
        address = f"{fake.url}/chat/completions"
        await session.post(address, json=asking("fault-redirect"))

    assert [request.path for request in fake.requests][-1].startswith("/elsewhere/")


async def test_the_control_endpoints_script_and_tell(fake: FakeUpstream) -> None:
    control = fake.url.removesuffix("/v1")
    async with aiohttp.ClientSession() as session:
        order = {"model": "m", "scripts": [{"text": "As told.", "tool_calls": []}]}
        await session.post(f"{control}/_script", json=order)
        answer = await told(fake, asking())
        listed = await (await session.get(f"{control}/_requests?model=m&state=answered")).json()
        await session.delete(f"{control}/_requests")

    assert answer["choices"][0]["message"]["content"] == "As told."
    assert listed[0]["body"]["messages"][0]["content"] == "Hello there"
    assert fake.requests == []


def test_a_script_is_read_from_json() -> None:
    assert script_of({"fault": "rst"}) == Fault("rst", 3)
    assert script_of({"tool_calls": [["f", "{}"]], "gap": 0.1}) == Answer(tool_calls=(("f", "{}"),), gap=0.1)


async def _content(fake: FakeUpstream, body: dict[str, Any]) -> str:
    answer = json.loads(await ask(fake, body, timeout=BRIEF))
    content = answer["choices"][0]["message"]["content"]
    assert isinstance(content, str)
    return content


async def _whole_stream(
    fake: FakeUpstream, body: dict[str, Any], patience: aiohttp.ClientTimeout = PATIENCE
) -> str:
    """Read a stream the strict way, but by every rule of SSE."""
    spoken, finish, done = "", None, False
    async with aclosing(_events(fake, body, patience)) as events:
        async for data in events:
            done = data == "[DONE]"
            if done:
                break
            chunk = json.loads(data)
            assert "error" not in chunk
            for choice in chunk["choices"]:
                spoken += choice["delta"].get("content") or ""
                finish = choice["finish_reason"] or finish
                calls = choice["delta"].get("tool_calls") or []
                [json.loads(call["function"]["arguments"]) for call in calls]
    assert (finish, done, bool(spoken)) == ("stop", True, True)
    return spoken


async def _events(
    fake: FakeUpstream, body: dict[str, Any], patience: aiohttp.ClientTimeout
) -> AsyncGenerator[str, None]:
    text = (await ask(fake, {**body, "stream": True}, timeout=patience)).decode().replace("\r\n", "\n")
    for event in text.split("\n\n"):
        lines = [line.partition(":") for line in event.split("\n")]
        data = [value.removeprefix(" ") for name, _, value in lines if name == "data"]
        if data:
            yield "\n".join(data)
