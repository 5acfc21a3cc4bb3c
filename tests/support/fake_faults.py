"""Ways an upstream fails before the first byte, or with a whole answer; whatever was asked for."""

import asyncio
import gzip
import json
from collections.abc import Mapping
from types import MappingProxyType

from aiohttp import web

from tests.support.fake_answers import completion
from tests.support.fake_exchange import Behaviour, Exchange

HTML = "<html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>"
DRIBBLE = 0.2
"""Seconds between the bytes of an upstream that will not finish."""

BAD_UTF8 = b"\xc3\x28\xff\xfe"


def status(
    code: int,
    body: object,
    *,
    headers: Mapping[str, str] = MappingProxyType({}),
    kind: str = "application/json",
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
    exchange.transport.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n"
    )
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
    return {"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


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
        async for event in exchange.events():
            await response.write(event)
        await response.write(b"data: [DONE]\n\n")
        return response
    return web.Response(body=_whole(exchange), content_type="application/json", headers=headers)


async def gzip_bomb(exchange: Exchange, _after: int) -> web.StreamResponse:
    """Send a quarter of a gigabyte in a quarter of a megabyte."""
    member = gzip.compress(b" " * (1 << 20))
    headers = {"Content-Encoding": "gzip"}
    return web.Response(body=member * 256, content_type="application/json", headers=headers)


KEY_SHOWN = error("Incorrect API key provided: {key}.", "invalid_request_error", "invalid_api_key")

ANSWERS: Mapping[str, Behaviour] = MappingProxyType(
    {
        "rst": rst,
        "fin": fin,
        "hang": hang,
        "slow-headers": slow_headers,
        "slow-body": slow_body,
        "not-http": not_http,
        "redirect": redirect,
        "header-bomb": header_bomb,
        "hostile-headers": hostile_headers,
        "gzip-bomb": gzip_bomb,
        "500": status(500, error("Internal error; key {key}", "server_error")),
        "502-html": status(502, HTML, kind="text/html"),
        "503-retry": status(503, error("Loading.", "server_error"), headers={"Retry-After": "1"}),
        "529": status(529, error("Overloaded.", "overloaded_error")),
        "429": status(429, error("Slow down.", "rate_limit_error"), headers={"Retry-After": "2"}),
        "429-long": status(429, error("Slow down.", "rate_limit_error"), headers={"Retry-After": "3600"}),
        "429-quota": status(429, error("No quota left.", "insufficient_quota", "insufficient_quota")),
        "400": status(400, error("temperature must be at most 2", "invalid_request_error")),
        "400-context": status(
            400,
            error(
                "This model's maximum context length is 10.",
                "invalid_request_error",
                "context_length_exceeded",
            ),
        ),
        "401-key": status(401, KEY_SHOWN),
        "404": status(404, error("No such model.", "invalid_request_error", "model_not_found")),
        "empty": status(200, ""),
        "html": status(200, HTML, kind="text/html"),
        "array": status(200, []),
        "object": status(200, {}),
        "error-200": status(200, error("It broke; key {key}", "server_error")),
        "cut-json": cut_json,
        "length-long": length_long,
        "length-short": length_short,
        "choices-empty": altered(choices=[]),
        "null-content": status(200, altered_content(None)),
        "number-content": status(200, altered_content(17)),
        "broken-utf8": broken_utf8,
    }
)
"""Every fault of this kind by its name."""
