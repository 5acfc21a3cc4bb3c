"""Bytes of an upstream become deltas, or an error with the right name."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.wire import ChatWire
from router.draft import assemble
from router.errors import Broken, CallerFault, Denied, RateLimited, TimedOut, Truncated
from router.types import Capability
from tests.support.world import model, request


def event(**fields) -> bytes:
    return b"data: " + orjson.dumps({"id": "x", "model": "m", **fields}) + b"\n\n"


def text(content: str, **choice) -> bytes:
    return event(choices=[{"index": 0, "delta": {"content": content}, "finish_reason": None, **choice}])


STREAM = (
    event(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}}], system_fingerprint="fp")
    + text("Zwei ")
    + text("\u00e4pfel")
    + event(
        choices=[
            {
                "index": 0,
                "delta": {
                    "tool_calls": [
                        {
                            "index": 0,
                            "id": "c",
                            "type": "function",
                            "function": {"name": "f", "arguments": ""},
                        }
                    ]
                },
            }
        ]
    )
    + event(
        choices=[{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":1}'}}]}}]
    )
    + event(choices=[{"index": 0, "delta": {}, "finish_reason": "tool_calls"}])
    + event(
        choices=[],
        usage={"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}},
    )
    + b"data: [DONE]\n\n"
)


def reply(data: bytes, *, stream: bool = True, size: int | None = None):
    decoder, deltas = ChatWire().decoder(request(), stream=stream), []
    step = size or len(data) or 1
    for start in range(0, len(data), step):
        deltas += decoder.feed(data[start : start + step])
    last, ending = decoder.end()
    return assemble(deltas + last, ending)


def test_a_stream_becomes_a_reply():
    whole = reply(STREAM)
    (choice,) = whole.choices
    assert choice.text == "Zwei \u00e4pfel"
    assert (choice.tool_calls[0].name, choice.tool_calls[0].arguments) == ("f", '{"a":1}')
    assert choice.finish_reason == "tool_calls"
    assert (whole.usage.input, whole.usage.output, whole.usage.cached) == (7, 3, 4)
    assert whole.served_model == "m"


@given(st.integers(1, 60))
def test_any_split_gives_the_same_reply(size):
    assert reply(STREAM, size=size) == reply(STREAM)


def test_without_usage_it_is_unknown_not_zero():
    assert reply(text("hi") + text("", finish_reason="stop") + b"data: [DONE]\n\n").usage is None


def test_a_stream_without_done_but_with_a_finish_is_whole():
    assert reply(text("hi") + text("", finish_reason="stop")).complete


@pytest.mark.parametrize("tail", [b"", b"data: [DONE]\n\n"])
def test_a_stream_without_a_finish_is_truncated(tail):
    with pytest.raises(Truncated):
        reply(text("hal") + tail)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b": only a comment\n\n",
        b"data: [DONE]\n\n",
        b"<html>502</html>",
        b"data: {broken\n\n",
        b"data: [1,2]\n\n",
        event(choices="no"),
        event(choices=[7]),
        event(choices=[{"delta": "no"}]),
        event(choices=[{"delta": {"content": 7}}]),
        event(choices=[{"delta": {"tool_calls": [7]}}]),
        event(error={"message": "boom"}),
    ],
)
def test_a_stream_that_is_no_answer_is_broken(data):
    with pytest.raises(Broken):
        reply(data)


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"[]", b"{}", b'{"choices":[]}', b'{"choices":null}', b"\xff\xfe"]
)
def test_a_body_that_is_no_answer_is_broken(data):
    with pytest.raises(Broken):
        reply(data, stream=False)


def test_what_comes_after_done_is_ignored():
    assert reply(STREAM + text("smuggled")).text == "Zwei \u00e4pfel"


@pytest.mark.parametrize(
    ("status", "retry_after", "kind"),
    [
        (400, None, CallerFault),
        (422, None, CallerFault),
        (401, None, Denied),
        (404, None, Denied),
        (429, 2.0, RateLimited),
        (529, None, RateLimited),
        (503, 3.0, RateLimited),
        (503, None, Broken),
        (500, None, Broken),
        (504, None, TimedOut),
    ],
)
def test_each_status_has_its_error(status, retry_after, kind):
    error = ChatWire().failure(status, b'{"error":{"message":"no","code":"c"}}', retry_after=retry_after)
    assert type(error) is kind
    assert str(error) == "no"


def test_every_field_is_passed_on_and_usage_is_asked_for():
    body = {
        "model": "auto",
        "messages": [],
        "top_k": 3,
        "stream": True,
        "stream_options": {"include_obfuscation": False},
    }
    sent = orjson.loads(ChatWire().encode(request(body=body, stream=True), model("m", upstream_name="org/m")))
    assert sent == {
        "model": "org/m",
        "messages": [],
        "top_k": 3,
        "stream": True,
        "stream_options": {"include_obfuscation": False, "include_usage": True},
    }


def test_fields_nobody_knows_survive():
    data = event(
        choices=[{"index": 0, "delta": {"content": "x", "reasoning_content": "hm"}, "stop_reason": 7}]
    )
    (delta,) = ChatWire().decoder(request(), stream=True).feed(data)
    assert (delta.extra, delta.choice_extra) == ({"reasoning_content": "hm"}, {"stop_reason": 7})
    assert Capability.TOOLS not in delta.extra


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -5, "completion_tokens": 3},
        {"prompt_tokens": 5, "completion_tokens": 10**15},
        {"prompt_tokens": 5},
        {"prompt_tokens": "5", "completion_tokens": True},
    ],
)
def test_an_absurd_usage_is_no_usage(usage):
    data = text("hi", finish_reason="stop") + event(choices=[], usage=usage) + b"data: [DONE]\n\n"
    whole = reply(data)
    assert whole.usage is None or whole.usage.flaw
    assert "usage" not in whole.envelope


def test_what_was_good_before_a_fault_is_yielded_before_it_is_raised():
    seen = ChatWire().decoder(request(), stream=True).feed(text("good") + b"data: {broken\n\n")
    assert next(seen).text == "good"
