"""Streams, as openai-python's users read them, and as they are on the wire."""

import asyncio
import json
from typing import Any

from openai import APIError, AsyncOpenAI
from pydantic import BaseModel

from tests.end_to_end.dropin.runner import World, asking, raises

LEFT_EARLY = "left-in-mid-stream"
"""The request id of the call whose client leaves; its ledger row is looked at when the suite is over."""


class Pair(BaseModel):
    """A small form."""

    left: str
    right: int


def the_first_delta_carries_the_role_and_no_other_does(world: World) -> None:
    deltas = [choice.delta for chunk in _chunks(world) for choice in chunk.choices]

    assert [delta.role for delta in deltas] == ["assistant"] + [None] * (len(deltas) - 1)


def a_stream_has_one_id_one_model_one_time(world: World) -> None:
    chunks = _chunks(world)

    assert len({(chunk.id, chunk.model, chunk.created, chunk.object) for chunk in chunks}) == 1
    assert (chunks[0].model, chunks[0].object) == ("small", "chat.completion.chunk")


def the_pieces_of_a_stream_are_the_answer(world: World) -> None:
    chunks = _chunks(world)

    assert len(chunks) > 3
    assert _text(chunks) == "small answers: Hello there"


def a_stream_finishes_once_and_at_its_end(world: World) -> None:
    finishes = [choice.finish_reason for chunk in _chunks(world) for choice in chunk.choices]

    assert finishes == [None] * (len(finishes) - 1) + ["stop"]


def usage_comes_last_and_without_choices_if_asked_for(world: World) -> None:
    chunks = _chunks(world, stream_options={"include_usage": True})

    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 4
    assert {chunk.usage for chunk in chunks[:-1]} == {None}


def usage_nobody_asked_for_is_not_there(world: World) -> None:
    chunks = _chunks(world)

    assert not [chunk for chunk in chunks if chunk.usage or not chunk.choices]


def usage_is_always_asked_of_the_upstream(world: World) -> None:
    _chunks(world)

    assert world.received("small")[0]["body"]["stream_options"]["include_usage"] is True


def on_the_wire_a_stream_is_data_and_done(world: World) -> None:
    answer = world.post(asking(stream=True))
    events = [event for event in answer.text.split("\n\n") if event]

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert all(event.startswith("data: ") for event in events)
    assert events[-1] == "data: [DONE]"
    parsed = [json.loads(event[6:]) for event in events[:-1]]
    assert all("finish_reason" in choice for chunk in parsed for choice in chunk["choices"])


def the_last_chunk_says_what_it_cost(world: World) -> None:
    answer = world.post(asking(model="auto", stream=True, stream_options={"include_usage": True}))
    chunks = [json.loads(event[6:]) for event in answer.text.split("\n\n") if event.startswith("data: {")]

    note, usage = chunks[-1]["farthing"], chunks[-1]["usage"]
    assert (note["model"], note["attempts"], note["asked"]) == ("small", 1, "auto")
    expected = usage["prompt_tokens"] * 50_000 + usage["completion_tokens"] * 200_000
    assert round(float(note["cost_usd"]) * 1e12) == expected
    assert not [chunk for chunk in chunks[:-1] if "farthing" in chunk]


def two_streamed_choices_are_kept_apart(world: World) -> None:
    texts = {0: "", 1: ""}
    finishes = []
    for choice in (choice for chunk in _chunks(world, n=2) for choice in chunk.choices):
        texts[choice.index] += choice.delta.content or ""
        finishes += [choice.index] if choice.finish_reason else []

    assert texts == {0: "small answers: Hello there", 1: "small answers: Hello there (choice 1)"}
    assert sorted(finishes) == [0, 1]


def logprobs_are_streamed(world: World) -> None:
    chunks = _chunks(world, logprobs=True, top_logprobs=1)
    tokens = [t for chunk in chunks for c in chunk.choices if c.logprobs for t in c.logprobs.content or []]

    assert "".join(token.token for token in tokens) == _text(chunks)


def unknown_fields_are_streamed(world: World) -> None:
    chunks = [chunk.model_dump() for chunk in _chunks(world, model="extras")]
    reasoning = [c["delta"].get("reasoning_content") for chunk in chunks for c in chunk["choices"]]

    assert "".join(part or "" for part in reasoning) == "Let me think about it."
    assert chunks[0]["system_fingerprint"] == "fp_fake"


def the_async_client_streams(world: World) -> None:
    async def read() -> str:
        async with AsyncOpenAI(base_url=f"{world.base}/v1", api_key=world.key) as client:
            stream = await client.chat.completions.create(**asking(stream=True))
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    assert asyncio.run(read()) == "small answers: Hello there"


def the_stream_helper_puts_the_answer_together(world: World) -> None:
    with world.client().chat.completions.stream(**asking(model="auto")) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()

    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content == "small answers: Hello there"


def the_stream_helper_parses_a_form(world: World) -> None:
    with world.client().chat.completions.stream(**asking(model="auto", response_format=Pair)) as stream:
        final = stream.get_final_completion()

    assert final.choices[0].message.parsed == Pair(left="text", right=7)


def a_raw_stream_has_headers_and_lines(world: World) -> None:
    asked = asking(stream=True)
    with world.client().chat.completions.with_streaming_response.create(**asked) as response:
        lines = [line for line in response.iter_lines() if line]

    assert response.headers["x-request-id"]
    assert response.headers["x-farthing-model"] == "small"
    assert lines[-1] == "data: [DONE]"


def a_slow_model_is_waited_for_with_comments(world: World) -> None:
    answer = world.post(asking(model="slow", stream=True))

    assert answer.text.startswith(":")
    assert answer.text.rstrip().endswith("data: [DONE]")
    assert _text(_chunks(world, model="slow")) == "fake-slow answers: Hello there"


def the_carriage_returns_of_an_upstream_do_no_harm(world: World) -> None:
    assert _text(_chunks(world, model="crlf")) == "fault-stream-crlf answers: Hello there"


def a_stream_of_twenty_thousand_events_arrives_whole(world: World) -> None:
    text = _text(_chunks(world, model="flood"))

    assert text.count("again and ") == 20_000


def an_error_in_the_middle_of_a_stream_is_raised(world: World) -> None:
    error = raises(APIError, lambda: _chunks(world, model="dying"))

    assert "engine died" in str(error)
    assert world.upstream_key not in f"{error} {error.body}", "the upstream's key was handed on"


def a_stall_in_the_middle_of_a_stream_ends_in_an_error(world: World) -> None:
    assert raises(APIError, lambda: _chunks(world, model="stalling")).code == "timed_out"


def a_client_that_leaves_ends_the_generation_within_two_seconds(world: World) -> None:
    asked = asking(model="paced", stream=True, extra_headers={"x-request-id": LEFT_EARLY})
    stream = world.client().chat.completions.create(**asked)
    next(iter(stream))
    stream.close()

    assert world.received("fake-paced", state="disconnected", within=2)


def a_client_that_leaves_before_the_first_token_ends_it_too(world: World) -> None:
    asked = asking(model="hanging", stream=True)
    # Farthing's own comments keep the connection alive, so that only the client's patience ends it.
    response = world.client().chat.completions.with_streaming_response.create(**asked)
    with response as opened:
        next(opened.iter_bytes())

    assert world.received("fault-hang", state="disconnected", within=2)


def _chunks(world: World, **options: Any) -> list[Any]:
    return list(world.client().chat.completions.create(**asking(**({"stream": True} | options))))


def _text(chunks: list[Any]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
