"""A reply is written as OpenAI's clients read it."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.render import ChatRenderer
from router.types import Choice, Delta, Ending, Reply, ToolCall, Usage


def stream(deltas, *, shows_usage=False, ending=None, note=None):
    renderer = ChatRenderer(id="chatcmpl-1", created=7, shows_usage=shows_usage)
    data = b"".join(renderer.chunk(delta, "m") for delta in deltas)
    data += renderer.ending(ending or Ending(usage=Usage(input=3, output=2)), "m", note or {"cost_usd": "0"})
    events = data.decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    return [orjson.loads(event.removeprefix("data: ")) for event in events[:-2]]


def test_a_stream_has_one_role_one_finish_one_id_and_the_note_last():
    chunks = stream(
        [Delta(role="assistant"), Delta(text="a"), Delta(role="assistant", text="b", finish_reason="stop")]
    )
    deltas = [chunk["choices"][0] for chunk in chunks]
    assert {chunk["id"] for chunk in chunks} == {"chatcmpl-1"}
    assert ["role" in delta["delta"] for delta in deltas] == [True, False, False, False]
    assert "".join(delta["delta"].get("content", "") for delta in deltas) == "ab"
    assert [delta["finish_reason"] for delta in deltas] == [None, None, None, "stop"]
    assert chunks[-1]["farthing"] == {"cost_usd": "0"}
    assert not any("usage" in chunk for chunk in chunks)


def test_usage_comes_last_if_it_was_asked_for():
    chunks = stream([Delta(text="a", finish_reason="stop")], shows_usage=True)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


def test_what_the_provider_wrote_of_usage_is_handed_on():
    written = {"prompt_tokens": 3, "completion_tokens_details": {"audio_tokens": 1}}
    chunks = stream([], shows_usage=True, ending=Ending(envelope={"usage": written, "service_tier": "flex"}))
    assert (chunks[-1]["usage"], chunks[-1]["service_tier"]) == (written, "flex")


def test_usage_is_hidden_from_a_caller_who_did_not_ask():
    chunks = stream(
        [Delta(text="a", finish_reason="stop")], ending=Ending(envelope={"usage": {"prompt_tokens": 3}})
    )
    assert not any("usage" in chunk for chunk in chunks)


def test_a_tool_call_keeps_its_pieces():
    pieces = [
        Delta(tool_calls=(ToolCall(index=0, id="c", name="f"),)),
        Delta(tool_calls=(ToolCall(index=0, arguments="{}"),), finish_reason="tool_calls"),
    ]
    calls = [call for chunk in stream(pieces) for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert calls == [
        {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": "{}"}},
    ]


def test_a_whole_reply_is_one_object():
    renderer = ChatRenderer(id="chatcmpl-1", created=7, shows_usage=False)
    reply = Reply(
        choices=(
            Choice(tool_calls=(ToolCall(id="c", name="f", arguments="{}"),), finish_reason="tool_calls"),
        ),
        envelope={"system_fingerprint": "fp"},
        usage=Usage(input=1, output=1),
    )
    body = orjson.loads(renderer.whole(reply, "m", {}))
    assert body["choices"][0]["message"]["content"] is None
    assert body["choices"][0]["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert (body["object"], body["model"], body["system_fingerprint"]) == ("chat.completion", "m", "fp")


@given(st.lists(st.tuples(st.integers(0, 2), st.text(max_size=3)), max_size=8))
def test_every_choice_has_one_role_and_one_finish(pieces):
    choices = {choice for choice, _ in pieces}
    deltas = [Delta(choice=choice, text=text) for choice, text in pieces]
    deltas += [Delta(choice=choice, finish_reason="stop") for choice in choices]
    written = [c for chunk in stream(deltas) for c in chunk["choices"]]
    for choice in choices:
        mine = [c for c in written if c["index"] == choice]
        assert sum("role" in c["delta"] for c in mine) == 1
        assert [c["finish_reason"] for c in mine if c["finish_reason"]] == ["stop"]
        assert "".join(c["delta"].get("content") or "" for c in mine) == "".join(
            t for n, t in pieces if n == choice
        )
