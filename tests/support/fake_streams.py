"""Ways a stream goes wrong once its head is sent, and a few that only look wrong (dialects of SSE)."""

import asyncio
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from aiohttp import web

from tests.support.fake_answers import Answer, completion
from tests.support.fake_exchange import Behaviour, Exchange

DONE = b"data: [DONE]\n\n"
BAD_UTF8 = b"\xc3\x28\xff\xfe"
ERROR = {"error": {"message": "The engine died; key {key}", "type": "server_error", "code": 500}}
GIANT = 80 << 20
BLOCK = b"a" * (1 << 16)


def said(*pieces: bytes) -> Behaviour:
    """Make a behaviour that says these bytes after the events in order, then ends cleanly."""

    async def respond(exchange: Exchange, after: int) -> web.StreamResponse:
        response, _ = await exchange.begin(after)
        key = exchange.request.headers.get("Authorization", "").removeprefix("Bearer ")
        for piece in pieces:
            await response.write(piece.replace(b"{key}", key.encode()))
        return response

    return respond


def first(behaviour: Behaviour) -> Behaviour:
    """Make a behaviour of another that happens after the head, before any event."""

    async def respond(exchange: Exchange, _after: int) -> web.StreamResponse:
        return await behaviour(exchange, -1)

    return respond


def event(**fields: Any) -> bytes:
    """Write one event with an object, as a chunk of an answer would be."""
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def delta(content: str | None = None, finish: str | None = None, **more: Any) -> bytes:
    """Write one event with a delta."""
    spoken = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": spoken | more, "finish_reason": finish}
    return event(id="chatcmpl-fake", object="chat.completion.chunk", created=1, choices=[choice])


async def rst(exchange: Exchange, after: int) -> web.StreamResponse:
    await exchange.begin(after)
    await asyncio.sleep(0.05)  # so that what was sent is delivered: RST discards what is still on its way
    return exchange.reset()


async def fin_in_chunk(exchange: Exchange, after: int) -> web.StreamResponse:
    await exchange.begin(after)
    return exchange.raw(b'ff\r\ndata: {"choices": [{"index": 0, "del')


async def stall(exchange: Exchange, after: int) -> web.StreamResponse:
    await exchange.begin(after)
    return await exchange.hang()


async def comments(exchange: Exchange, after: int) -> web.StreamResponse:
    response, _ = await exchange.begin(after)
    while True:
        await response.write(b": still working\n\n")
        await asyncio.sleep(0.1)


async def endless_line(exchange: Exchange, after: int) -> web.StreamResponse:
    response, _ = await exchange.begin(after)
    await response.write(b'data: {"choices": [{"index": 0, "delta": {"content": "')
    while True:
        await response.write(BLOCK)


async def giant_event(exchange: Exchange, after: int) -> web.StreamResponse:
    response, events = await exchange.begin(after)
    await response.write(b'data: {"choices": [{"index": 0, "delta": {"content": "')
    for _ in range(GIANT // len(BLOCK)):
        await response.write(BLOCK)
    await response.write(b'"}, "finish_reason": null}]}\n\n')
    async for later in events:
        await response.write(later)
    await response.write(DONE)
    return response


async def flood(exchange: Exchange, after: int) -> web.StreamResponse:
    """Send twenty thousand events as fast as they are taken."""
    response, _ = await exchange.begin(after)
    block = delta("again and ") * 100
    for _ in range(200):
        await response.write(block)
    await response.write(delta(finish="stop") + DONE)
    return response


async def plain_json(exchange: Exchange, _after: int) -> web.StreamResponse:
    """Answer a request for a stream with one whole answer."""
    return web.json_response(completion(exchange.received.body, exchange.answer))


async def html(exchange: Exchange, _after: int) -> web.StreamResponse:
    response = await exchange.open_stream()
    await response.write(b"<html><body><h1>Welcome to nginx!</h1></body></html>")
    return response


def rewritten(rewrite: Callable[[bytes], bytes]) -> Behaviour:
    """Make a behaviour of the good answer in another dialect of SSE."""

    async def respond(exchange: Exchange, _after: int) -> web.StreamResponse:
        response = await exchange.open_stream()
        async for good in exchange.events():
            await response.write(rewrite(good))
        await response.write(rewrite(DONE))
        return response

    return respond


def crlf(good: bytes) -> bytes:
    return good.replace(b"\n", b"\r\n")


def multiline(good: bytes) -> bytes:
    """Spread the data over several lines, which a reader joins with newlines."""
    return good.replace(b', "', b',\ndata: "')


def dialect(good: bytes) -> bytes:
    """Use every other field, no space after the colon, and comments."""
    return b": comment\nid: 7\nevent: message\nretry: 10\n" + good.replace(b"data: ", b"data:")


async def split_utf8(exchange: Exchange, _after: int) -> web.StreamResponse:
    """Cut the stream into single bytes, within characters too."""
    response = await exchange.open_stream()
    async for good in exchange.events():
        for byte in good.replace(b"answers", "antwortet: Grüße, 世界, 🦊".encode()):
            await response.write(bytes([byte]))
    await response.write(DONE)
    return response


async def framing(exchange: Exchange, _after: int) -> web.StreamResponse:
    """Put SSE's own framing into the content, where it means nothing."""
    response = await exchange.open_stream()
    for content in ("Say data: [DONE]\n\n", "data: {}\r\n\r\n", ": no comment\u2028\x85 here\n"):
        await response.write(delta(content))
    await response.write(delta(finish="stop") + DONE)
    return response


async def no_done(exchange: Exchange, _after: int) -> web.StreamResponse:
    response = await exchange.open_stream()
    async for good in exchange.events():
        await response.write(good)
    return response


async def after_done(exchange: Exchange, after: int) -> web.StreamResponse:
    response = await Exchange.reply(exchange)
    await response.write(delta("This comes too late.") + b"data: nonsense\n\n" + DONE)
    return response


HALF_CALL = delta(
    tool_calls=[
        {
            "index": 0,
            "id": "call_0",
            "type": "function",
            "function": {"name": "look_up", "arguments": '{"city": "Be'},
        }
    ]
)

STREAMS: Mapping[str, Behaviour] = MappingProxyType(
    {
        "stream-rst-first": first(rst),
        "stream-eof-first": first(said()),
        "stream-error-first": first(said(event(**ERROR), DONE)),
        "stream-comments-first": first(comments),
        "stream-done-first": first(said(DONE)),
        "stream-html": html,
        "stream-role-only": first(said(delta(role="assistant"), delta(finish="stop"), DONE)),
        "stream-choices-empty": first(said(event(id="x", choices=[]), event(id="x", choices=[]), DONE)),
        "stream-rst": rst,
        "stream-fin": fin_in_chunk,
        "stream-eof": said(),
        "stream-done-early": said(DONE),
        "stream-stall": stall,
        "stream-comments": comments,
        "stream-error": said(event(**ERROR), DONE),
        "stream-error-finish": said(
            event(id="x", choices=[{"index": 0, "delta": {}, "finish_reason": "error"}], **ERROR)
        ),
        "stream-half-tool": first(said(delta(role="assistant"), HALF_CALL)),
        "stream-bad-tool": first(said(delta(role="assistant"), HALF_CALL, delta(finish="tool_calls"), DONE)),
        "stream-malformed": said(
            b'data: {"choices": [{"index"\n\n', delta("more"), delta(finish="stop"), DONE
        ),
        "stream-utf8": said(delta("@@").replace(b"@@", BAD_UTF8), delta(finish="stop"), DONE),
        "stream-giant": giant_event,
        "stream-endless": endless_line,
        "stream-flood": flood,
        "stream-plain-json": plain_json,
        "stream-split-utf8": split_utf8,
        "stream-crlf": rewritten(crlf),
        "stream-multiline": rewritten(multiline),
        "stream-dialect": rewritten(dialect),
        "stream-framing": framing,
        "stream-no-done": no_done,
        "stream-after-done": after_done,
    }
)
"""Every fault of a stream by its name."""

LONG = Answer(text=" ".join(f"Point {number} stands on its own." for number in range(200)))
"""An answer long enough that a stream of it is committed to the caller before it fails."""
