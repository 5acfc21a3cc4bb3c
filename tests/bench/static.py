"""The model behind every proxy: says the same at once, however often it is asked.

`python -m tests.bench.static` serves on loopback: plain JSON, `/burst/...` a stream in one write,
`/paced/...` the same stream an event every 5 ms, and `GET /count`, how many calls there were.
"""

import asyncio
import re
import sys
from typing import cast

import orjson
import uvloop

NAME = "static"
"""What the model calls itself."""

EVENTS = 53
GAP = 0.005
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
USAGE = {"prompt_tokens": 290, "completion_tokens": 52, "total_tokens": 342}
TEXT = (
    "The ledger says what each call has cost, down to the last digit, and who asked for it. "
    "Sums are exact because nothing is rounded on the way: an amount is a whole number of "
    "picodollars from the price list to the report, and unknown things are never counted as none, "
    "nor guessed in silence: their bound is there."
)


def body() -> bytes:
    """One chat completion of about 600 bytes, with usage."""
    message = {"role": "assistant", "content": TEXT, "refusal": None}
    choice: dict[str, object] = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return orjson.dumps({**_envelope("chat.completion"), "choices": [choice], "usage": USAGE})


def events() -> list[bytes]:
    """The same in 53 events: a role, the words, a finish, the usage, and the end."""
    deltas: list[dict[str, str]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": f"{word} "} for word in TEXT.split()[: EVENTS - 4]]
    choices: list[dict[str, object]] = [
        {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} for delta in deltas
    ]
    choices.append({"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"})
    head = _envelope("chat.completion.chunk")
    chunks = [{**head, "choices": [choice]} for choice in choices]
    chunks.append({**head, "choices": [], "usage": USAGE})
    return [b"data: %b\n\n" % data for data in [*map(orjson.dumps, chunks), b"[DONE]"]]


def _envelope(kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-static", "object": kind, "created": 1764000000, "model": NAME}


def _plain(data: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(data),
        data,
    )


def _chunked(events: list[bytes]) -> list[bytes]:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    return [head + chunks[0], *chunks[1:-1], chunks[-1] + b"0\r\n\r\n"]


class Answers:
    """The bytes, made once, and the count of calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.json = _plain(body())
        self.paced = _chunked(events())
        self.burst = b"".join(self.paced)


class Connection(asyncio.Protocol):
    """Reads a request of known length, answers it, and waits for the next."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without being a subclass

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._data += data
        end = self._data.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        length = LENGTH.search(self._data, 0, end)
        if len(self._data) < end + (int(length.group(1)) if length else 0):
            return
        line, self._data = self._data[: self._data.index(b"\r\n")], b""
        self._answer(line)

    def _answer(self, line: bytes) -> None:
        assert self._transport is not None
        if line.startswith(b"GET /count"):
            self._transport.write(_plain(b"%d" % self._answers.calls))
            return
        self._answers.calls += 1
        if b" /paced/" in line:
            self._next(0)
        else:
            self._transport.write(self._answers.burst if b" /burst/" in line else self._answers.json)

    def _next(self, number: int) -> None:
        if self._transport is not None:
            self._transport.write(self._answers.paced[number])
            if number + 1 < len(self._answers.paced):
                asyncio.get_running_loop().call_later(GAP, self._next, number + 1)


async def serve() -> None:
    """Serve on a free port, which is printed, until the process is stopped."""
    answers = Answers()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(answers), "127.0.0.1", 0, backlog=512
    )
    sys.stdout.write(f"static: listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
