"""Every way an upstream is known to fail, by name: what the fake upstream does when a script says so.

`ANSWERS` fail before their first byte or with a whole answer, whatever was asked for; `STREAMS` fail in a stream.
"""

import asyncio
import json
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

from aiohttp import web

from tests.support.fake_answers import completion
from tests.support.fake_exchange import Exchange

Behaviour: TypeAlias = Callable[[Exchange, int], Awaitable[web.StreamResponse]]
"""What a fault does with a request; the number is how many events of a stream go out in order before it."""

HTML = "<html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>"
DRIBBLE = 0.2
"""Seconds between the bytes of an upstream that will not finish."""

WORDS = " ".join(f"Point {number} stands on its own." for number in range(200))
"""A text long enough that a stream of it is committed to the caller before it fails."""

BAD_UTF8 = b"\xc3\x28\xff\xfe"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name, and how many events of a stream go out in order before it."""

    name: str
    after: int = 3


async def answer_fault(exchange: Exchange, fault: Fault) -> web.StreamResponse:
    """Do what the fault says; KeyError for a name that is none."""
    behaviour = (ANSWERS | STREAMS)[fault.name]
    await exchange.pause(exchange.answer.delay)
    if exchange.answer.text is None and fault.after > 20:
        exchange = replace(exchange, answer=replace(exchange.answer, text=WORDS))
    return await behaviour(exchange, fault.after)


def status(
    code: int, body: object, *, headers: Mapping[str, str] = MappingProxyType({}), kind: str = "application/json"
) -> Behaviour:
    """Make a behaviour of a fixed answer; `{key}` in it becomes the key the caller sent."""

    async def respond(exchange: Exchange, _after: int) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        key = exchange.request.headers.get("Authorization", "").removeprefix("Bearer ")
        return web.Response(status=code, text=text.replace("{key}", key), headers=headers, content_type=kind)

    return respond


def error(message: str, kind: str, code: str | None = None) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


async def rst(exchange: Exchange, _after: int) -> web.StreamResponse:
    return exchange.reset()


async def fin(exchange: Exchange, _after: int) -> web.StreamResponse:
    return exchange.close()


async def hang(exchange: Exchange, _after: int) -> web.StreamResponse:
    return await exchange.hang()


async def slow_headers(exchange: Exchange, _after: int) -> web.StreamResponse:
    return await _dribble(exchange, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 10_000)


async def slow_body(exchange: Exchange, _after: int) -> web.StreamResponse:
    exchange.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n")
    return await _dribble(exchange, b'{"choices": [' + b" " * 10_000)


async def _dribble(exchange: Exchange, data: bytes) -> web.StreamResponse:
    for byte in data:
        exchange.transport.write(bytes([byte]))
        await asyncio.sleep(DRIBBLE)
    return exchange.close()


async def not_http(exchange: Exchange, _after: int) -> web.StreamResponse:
    return exchange.raw(b"SSH-2.0-OpenSSH_9.9\r\n" + bytes(range(256)))


async def redirect(exchange: Exchange, _after: int) -> web.StreamResponse:
    """Send the prompt elsewhere: another host name for this very server, so that it would be noticed."""
    port = exchange.transport.get_extra_info("sockname")[1]
    place = f"http://localhost:{port}/elsewhere/v1/chat/completions"
    return web.Response(status=307, headers={"Location": place})


async def header_bomb(exchange: Exchange, _after: int) -> web.StreamResponse:
    head = b"".join(b"X-Bomb-%d: %s\r\n" % (number, b"a" * 8000) for number in range(500))
    return exchange.raw(b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 2\r\n\r\n{}")


def _whole(exchange: Exchange) -> bytes:
    return json.dumps(completion(exchange.received.body, exchange.answer)).encode()


def _sized(body: bytes, size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (size, body)


async def cut_json(exchange: Exchange, _after: int) -> web.StreamResponse:
    body = _whole(exchange)
    return web.Response(body=body[: len(body) // 2], content_type="application/json")


async def length_long(exchange: Exchange, _after: int) -> web.StreamResponse:
    body = _whole(exchange)
    return exchange.raw(_sized(body, len(body) + 100))


async def length_short(exchange: Exchange, _after: int) -> web.StreamResponse:
    body = _whole(exchange)
    return exchange.raw(_sized(body, len(body) // 2))


def altered(**changes: object) -> Behaviour:
    """Make a behaviour of a whole answer with some of its fields replaced."""

    async def respond(exchange: Exchange, _after: int) -> web.StreamResponse:
        return web.json_response(completion(exchange.received.body, exchange.answer) | changes)

    return respond


async def broken_utf8(exchange: Exchange, _after: int) -> web.StreamResponse:
    body = json.dumps(altered_content("@@")).encode().replace(b"@@", BAD_UTF8)
    return web.Response(body=body, content_type="application/json")


def altered_content(content: object) -> dict[str, object]:
    message = {"role": "assistant", "content": content}
    return {"id": "x", "model": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


async def hostile_headers(exchange: Exchange, _after: int) -> web.StreamResponse:
    """Answer well, with headers that must not reach the caller."""
    headers = {
        "Set-Cookie": "session=stolen",
        "X-Request-Id": "spoofed",
        "X-Farthing-Model": "spoofed",
        "X-Should-Retry": "true",
        "Access-Control-Allow-Origin": "*",
        "Server": "spoofed",
    }
    if exchange.streams:
        response = await exchange.open_stream(headers)
        await _rest(response, exchange.events())
        return response
    return web.Response(body=_whole(exchange), content_type="application/json", headers=headers)


async def gzip_bomb(exchange: Exchange, _after: int) -> web.StreamResponse:
    """Send a quarter of a gigabyte in a quarter of a megabyte."""
    packer = zlib.compressobj(9, wbits=31)
    block = b" " * (1 << 20)
    body = b"".join(packer.compress(block) for _ in range(256)) + packer.flush()
    return web.Response(body=body, content_type="application/json", headers={"Content-Encoding": "gzip"})


async def _rest(response: web.StreamResponse, events: AsyncGenerator[bytes, None]) -> None:
    async for event in events:
        await response.write(event)
    await response.write(b"data: [DONE]\n\n")
