"""One request at the fake upstream: what came in, and the ways to answer it, the rude ones included."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn, TypeAlias

from aiohttp import web

from tests.support.fake_answers import Answer, Body, chunks, completion
from tests.support.fake_texts import embeddings, text_chunks, text_completion

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
COMMITTED = 20
"""A fault after more events than this happens to a long answer, of which the caller has seen something."""

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Lingering on, for zero seconds: closing then sends RST instead of FIN."""


@dataclass(slots=True, kw_only=True)
class Received:
    """One request as it arrived, and what became of it.

    `state` is open, answered (to its scripted end, rude or not) or disconnected (the client left before).
    `opened` and `closed` are seconds of the monotonic clock.
    """

    number: int
    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    body: Body
    opened: float = field(default_factory=time.monotonic)
    closed: float | None = None
    state: str = "open"
    events: int = 0

    @property
    def model(self) -> str:
        """The model asked for."""
        return str(self.body.get("model", ""))

    def as_json(self) -> dict[str, Any]:
        """Everything but the raw bytes, for the control endpoint."""
        return {
            "number": self.number,
            "method": self.method,
            "path": self.path,
            "headers": dict(self.headers),
            "body": self.body,
            "model": self.model,
            "opened": self.opened,
            "closed": self.closed,
            "state": self.state,
            "events": self.events,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and the means to answer it."""

    request: web.Request
    received: Received
    answer: Answer

    @property
    def streams(self) -> bool:
        """Whether a stream was asked for."""
        return self.received.body.get("stream") is True

    @property
    def transport(self) -> asyncio.Transport:
        """The connection itself."""
        transport = self.request.transport
        assert isinstance(transport, asyncio.Transport)
        return transport

    async def reply(self) -> web.StreamResponse:
        """Answer as a good upstream would."""
        await self.pause(self.answer.delay)
        if not self.streams:
            return web.json_response(self._whole(self.received.body, self.answer))
        response = await self.open_stream()
        async for event in self.events():
            await response.write(event)
        await response.write(b"data: [DONE]\n\n")
        return response

    @property
    def _of_chat(self) -> bool:
        return "messages" in self.received.body

    @property
    def _whole(self) -> Callable[[Body, Answer], dict[str, Any]]:
        if self._of_chat:
            return completion
        return text_completion if "prompt" in self.received.body else embeddings

    async def begin(self, after: int) -> tuple[web.StreamResponse, AsyncGenerator[bytes, None]]:
        """Send the role and `after` events of a stream; return what is left of it, without [DONE]."""
        response, events = await self.open_stream(), self.events()
        for _ in range(after + 1):
            await response.write(await anext(events))
        if after > COMMITTED:
            await self.pause(0.05)  # so that what follows is read by itself
        return response, events

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Every event of the streamed answer but [DONE]."""
        written = chunks if self._of_chat else text_chunks
        for chunk in written(self.received.body, self.answer):
            await self.pause(self.answer.gap)
            yield b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"
            self.received.events += 1

    async def open_stream(self, headers: Mapping[str, str] = NO_HEADERS) -> web.StreamResponse:
        """Send the head of a stream."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **headers})
        await response.prepare(self.request)
        return response

    async def pause(self, seconds: float) -> None:
        """Let time pass, as an upstream that thinks does."""
        if seconds:
            await asyncio.sleep(seconds)

    async def hang(self) -> NoReturn:
        """Never go on; ends when the client does."""
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    def raw(self, data: bytes) -> web.Response:
        """Send bytes that need not be HTTP, and close."""
        self.transport.write(data)
        return self.close()

    def close(self) -> web.Response:
        """End the connection in order (FIN) once what was written is sent."""
        self.transport.close()
        return web.Response()

    def reset(self) -> web.Response:
        """Break the connection (RST); what was not sent yet is lost."""
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.transport.abort()
        return web.Response()


Behaviour: TypeAlias = Callable[[Exchange, int], Awaitable[web.StreamResponse]]
"""What a fault does with a request; the number is how many events of a stream go out in order before it."""
