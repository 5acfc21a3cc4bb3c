"""Asks the proxy over HTTP, plain or streamed, and holds it to the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

import aiohttp
import orjson

from router.catalog.money import PICO
from router.commands.demo.prompts import Prompt
from router.dialects.sse import EventReader
from router.types import Picodollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: the text or the calls, and what the proxy said about them.

    `cost` is `None` where the proxy could not say, since a stream broke off.
    `booked` tells that a model was asked, so that the ledger must know of it.
    `problem` is there where no whole answer came.
    """

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    model: str | None = None
    attempts: int = 0
    cost: Picodollars | None = None
    problem: str | None = None
    request_id: str | None = None
    booked: bool = False


async def ask(
    session: aiohttp.ClientSession, address: str, prompt: Prompt, model: str, headers: Mapping[str, str]
) -> Answer:
    """Ask one prompt of `model`; what goes wrong is told in the answer."""
    body = {"model": model, "messages": prompt.messages, "stream": prompt.stream, **prompt.options}
    try:
        async with session.post(
            f"{address}/v1/chat/completions",
            data=orjson.dumps(body),
            headers={"Content-Type": "application/json", **headers},
        ) as response:
            if response.status != 200 or not prompt.stream:
                answer = whole(response.status, response.headers, await response.read())
            else:
                reader = EventReader()
                events = [event async for data in response.content.iter_any() for event in reader.feed(data)]
                answer = streamed([*events, *reader.end()])
            return replace(
                answer,
                request_id=response.headers.get("x-request-id"),
                booked=response.status == 200 or "x-farthing-model" in response.headers,
            )
    except (aiohttp.ClientError, TimeoutError) as error:
        return Answer(problem=f"connection: {type(error).__name__}")


def whole(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Read an answer that is one object; what the proxy says about it stands in its headers."""
    said = _object(body)
    model, cost = headers.get("x-farthing-model"), _picodollars(headers.get("x-farthing-cost-usd"))
    attempts = int(headers.get("x-farthing-attempts", "0"))
    if status != 200:
        return Answer(model=model, attempts=attempts, cost=cost, problem=f"status {status}")
    choices = said.get("choices")
    if not choices:
        return Answer(model=model, attempts=attempts, cost=cost, problem="an answer without choices")
    message = choices[0]["message"]
    calls = [_call(call) for call in message.get("tool_calls") or ()]
    return Answer(
        text=message.get("content") or "", calls=tuple(calls), model=model, attempts=attempts, cost=cost
    )


def streamed(events: Sequence[bytes]) -> Answer:
    """Put a stream together; it must end with a finish reason, the proxy's note and [DONE]."""
    text, calls, finished = "", dict[int, tuple[str, str]](), False
    chunks = [_object(event) for event in events if event != b"[DONE]"]
    for chunk in chunks:
        for choice in chunk.get("choices", ()):
            delta = choice.get("delta", {})
            text += delta.get("content") or ""
            finished = finished or choice.get("finish_reason") is not None
            for call in delta.get("tool_calls") or ():
                name, arguments = calls.get(call["index"], ("", ""))
                more = _call(call)
                calls[call["index"]] = (name + more[0], arguments + more[1])
    note = chunks[-1].get("farthing", {}) if chunks else {}
    return Answer(
        text=text,
        calls=tuple(calls[index] for index in sorted(calls)),
        model=note.get("model"),
        attempts=note.get("attempts", 0),
        cost=_picodollars(note.get("cost_usd")),
        problem=_unfinished(events, chunks, finished=finished),
    )


def _unfinished(
    events: Sequence[bytes], chunks: Sequence[Mapping[str, Any]], *, finished: bool
) -> str | None:
    failed = next((chunk["error"] for chunk in chunks if "error" in chunk), None)
    if failed is not None:
        return f"stream: {failed.get('message') if isinstance(failed, dict) else failed}"
    if not events or events[-1] != b"[DONE]" or events.count(b"[DONE]") != 1:
        return "stream: it does not end with one [DONE]"
    if not finished:
        return "stream: no finish reason"
    return None if "farthing" in chunks[-1] else "stream: the last chunk has no note"


def _call(call: Mapping[str, Any]) -> tuple[str, str]:
    function = call.get("function", {})
    return function.get("name") or "", function.get("arguments") or ""


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _picodollars(said: object) -> Picodollars | None:
    try:
        return int(Decimal(str(said)) * PICO)
    except (InvalidOperation, ValueError, OverflowError):
        return None
