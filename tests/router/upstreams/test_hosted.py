"""litellm against a loopback server that speaks Anthropic's messages; nothing leaves this machine."""

import asyncio
import importlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from router.errors import (
    Broken,
    CallerFault,
    ConfigError,
    Denied,
    RateLimited,
    TimedOut,
    Truncated,
    Unreachable,
    UpstreamError,
)
from router.seams import Upstream
from router.types import Delta, Ending, Model, Principal, Request, Usage
from router.upstreams.openai_compatible import Deadlines
from tests.support.world import items_of

# litellm silences this one itself, at its import, and pytest undoes that.
pytestmark = pytest.mark.filterwarnings("ignore:Item .* is using the `ReadOnly` qualifier")

SECRET = "the-key-nobody-may-see"
CLAUDE = Model(name="claude", upstream="anthropic", upstream_name="claude-x")
USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 5,
    "cache_creation_input_tokens": 2,
    "output_tokens": 7,
}
READ = Usage(input=17, output=7, cached=5, cache_write=2)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(scope="module", autouse=True)
def reached_out() -> list[object]:
    """Import litellm, which takes seconds, once and here; give the addresses that it wanted to reach."""
    assert "litellm" not in sys.modules, "litellm has one door, and nobody else goes through it"
    wanted: list[object] = []

    def refuse(*args: object, **_kwargs: object) -> NoReturn:
        wanted.append(args)
        raise OSError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        importlib.import_module("router.upstreams.hosted")
    return wanted


def hosted(provider: str, options: Mapping[str, Any], **settings: Any) -> Upstream:
    made: Upstream = importlib.import_module("router.upstreams.hosted").Hosted(provider, options, **settings)
    return made


def ask(*, stream: bool = False, **options: object) -> Request:
    body = {"model": "auto", "stream": stream, "messages": [{"role": "user", "content": "Hi"}], **options}
    return Request(
        id="r1", asked="auto", dialect="chat", principal=Principal(), turns=(), body=body, stream=stream
    )


def message(*content: dict) -> dict:
    return {"id": "m", "type": "message", "role": "assistant", "model": "claude-x-20260101",
            "content": list(content), "stop_reason": "end_turn", "usage": USAGE}  # fmt: skip


def events(*blocks: tuple[dict, dict], finish: str | None = "end_turn") -> list[dict]:
    start = message() | {"stop_reason": None, "usage": USAGE | {"output_tokens": 1}}
    out: list[dict] = [{"type": "message_start", "message": start}]
    for index, (begin, delta) in enumerate(blocks):
        out.append({"type": "content_block_start", "index": index, "content_block": begin})
        out.append({"type": "content_block_delta", "index": index, "delta": delta})
        out.append({"type": "content_block_stop", "index": index})
    if finish:
        out.append({"type": "message_delta", "delta": {"stop_reason": finish}, "usage": {"output_tokens": 7}})
        out.append({"type": "message_stop"})
    return out


TEXT = ({"type": "text", "text": ""}, {"type": "text_delta", "text": "Hello"})
THOUGHT = ({"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "Hm."})
TOOL = (
    {"type": "tool_use", "id": "t1", "name": "weather", "input": {}},
    {"type": "input_json_delta", "partial_json": '{"city": "Bern"}'},
)
ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": f"nope {SECRET}"}}


def plain(body: dict, *, status: int = 200, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return answer


def streamed(said: list[dict], *, hang: bool = False, hang_up: bool = False) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in said:
            await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        if hang:
            await asyncio.Event().wait()
        if hang_up and request.transport:
            request.transport.abort()
        return response

    return answer


@asynccontextmanager
async def anthropic(answer: Answer, **deadlines: float) -> AsyncIterator[Upstream]:
    app = web.Application()
    app.router.add_post("/v1/messages", answer)
    async with TestServer(app) as server:
        options = {"api_base": str(server.make_url("")).rstrip("/"), "api_key": SECRET}
        upstream = hosted("anthropic", options, deadlines=Deadlines(**deadlines))
        try:
            yield upstream
        finally:
            await upstream.close()


async def reply_of(answer: Answer, request: Request, **deadlines: float) -> tuple[list[Delta], Ending]:
    async with anthropic(answer, **deadlines) as upstream:
        *deltas, ending = await items_of(upstream.send(request, CLAUDE))
    assert isinstance(ending, Ending)
    assert all(isinstance(delta, Delta) for delta in deltas)
    return deltas, ending


async def test_a_plain_reply_is_one_delta_and_an_ending_with_the_reported_usage():
    deltas, ending = await reply_of(plain(message({"type": "text", "text": "Hello"})), ask())
    assert [(d.role, d.text, d.finish_reason) for d in deltas] == [("assistant", "Hello", "stop")]
    assert ending == Ending(usage=READ, served_model="claude-x-20260101")


async def test_a_plain_tool_call_keeps_its_name_id_and_arguments():
    tool = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Bern"}}
    deltas, _ = await reply_of(plain(message(tool) | {"stop_reason": "tool_use"}), ask())
    (call,) = deltas[0].tool_calls
    assert (call.id, call.name, json.loads(call.arguments)) == ("t1", "weather", {"city": "Bern"})
    assert deltas[0].finish_reason == "tool_calls"


async def test_a_stream_gives_its_text_and_thoughts_as_they_come_and_its_usage_last():
    deltas, ending = await reply_of(streamed(events(THOUGHT, TEXT)), ask(stream=True))
    assert "".join(delta.text for delta in deltas) == "Hello"
    assert "".join(delta.extra.get("reasoning_content", "") for delta in deltas) == "Hm."
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == ["stop"]
    assert ending == Ending(usage=READ)


async def test_a_streamed_tool_call_comes_in_pieces_under_one_index():
    deltas, _ = await reply_of(streamed(events(TOOL, finish="tool_use")), ask(stream=True))
    pieces = [call for delta in deltas for call in delta.tool_calls]
    assert {piece.index for piece in pieces} == {0}
    assert [piece.name for piece in pieces if piece.name] == ["weather"]
    assert json.loads("".join(piece.arguments for piece in pieces)) == {"city": "Bern"}


async def test_a_usage_the_provider_did_not_report_is_unknown_and_not_guessed():
    body = message({"type": "text", "text": "Hello"}) | {"usage": {"input_tokens": 0, "output_tokens": 0}}
    _, ending = await reply_of(plain(body), ask())
    assert ending.usage is None


@pytest.mark.parametrize("hang_up", [False, True])
async def test_a_stream_that_breaks_off_is_no_reply(hang_up: bool):
    cut = streamed(events(TEXT, finish=None), hang_up=hang_up)
    with pytest.raises(Truncated):
        await reply_of(cut, ask(stream=True))


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (400, {}, CallerFault),
        (401, {}, Denied),
        (402, {}, Denied),
        (403, {}, Denied),
        (404, {}, Denied),
        (408, {}, TimedOut),
        (413, {}, CallerFault),
        (422, {}, CallerFault),
        (429, {"retry-after": "7"}, RateLimited),
        (500, {}, Broken),
        (503, {}, Broken),
        (503, {"retry-after": "7"}, RateLimited),
        (529, {}, RateLimited),
    ],
)
async def test_an_error_status_is_told_apart_and_keeps_no_secret(
    status: int, headers: dict[str, str], kind: type[UpstreamError]
):
    with pytest.raises(UpstreamError) as caught:
        await reply_of(plain(ERROR, status=status, **headers), ask())
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert caught.value.retry_after == (7 if headers else None)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_an_error_in_the_middle_of_a_stream_is_an_upstream_error():
    with pytest.raises(UpstreamError) as caught:
        await reply_of(streamed([*events(TEXT, finish=None), ERROR]), ask(stream=True))
    assert SECRET not in str(caught.value)


async def test_nobody_listening_is_unreachable():
    upstream = hosted("anthropic", {"api_base": "http://127.0.0.1:1", "api_key": SECRET})
    with pytest.raises(Unreachable):
        await anext(upstream.send(ask(), CLAUDE))
    await upstream.close()


@pytest.mark.parametrize("limit", ["total", "first_token", "idle"])
async def test_each_deadline_ends_a_stream_that_hangs(limit: str):
    said = [] if limit == "first_token" else events(TEXT, finish=None)
    with pytest.raises(TimedOut):
        await reply_of(streamed(said, hang=True), ask(stream=True), **{limit: 0.2})


@pytest.mark.parametrize(
    "option", ["api_base", "base_url", "api_key", "mock_response", "extra_headers", "fallbacks", "zork"]
)
async def test_a_caller_cannot_reach_the_settings_of_litellm(option: str):
    with pytest.raises(CallerFault) as caught:
        await reply_of(plain(message()), ask(**{option: "http://evil.example"}))
    assert caught.value.param == option
    assert caught.value.retryable


async def test_what_this_provider_cannot_do_another_model_may():
    with pytest.raises(CallerFault) as caught:
        await reply_of(plain(message()), ask(logprobs=True))
    assert caught.value.retryable


async def test_the_request_is_left_as_it_was_for_the_next_model():
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t", "content": "7"},
    ]
    request = ask(messages=messages, tools=[{"type": "function", "function": {"name": "f"}}], max_tokens=9)
    before = json.dumps(request.body)
    await reply_of(plain(message({"type": "text", "text": "Hello"})), request)
    assert json.dumps(request.body) == before


async def test_leaving_a_stream_early_closes_it():
    async with anthropic(streamed(events(TEXT), hang=True)) as upstream:
        stream = upstream.send(ask(stream=True), CLAUDE)
        assert (await anext(stream))[0].text == "Hello"
        await stream.aclose()


def test_an_unknown_provider_is_a_mistake_in_the_configuration():
    with pytest.raises(ConfigError, match="no provider 'zork'"):
        hosted("zork", {})


def test_importing_it_opened_no_socket_and_loaded_no_dotenv(reached_out: list[object]):
    assert reached_out == []
    assert sys.modules["litellm"].litellm_mode == "PRODUCTION", "in any other it loads .env files"
