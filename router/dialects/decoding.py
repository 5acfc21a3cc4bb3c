"""What the wires towards upstreams have in common: an answer read whole or as a stream, and their errors."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import orjson

from router.dialects.sse import EventReader
from router.dialects.usage import larger, usage_in
from router.errors import (
    Broken,
    CallerFault,
    Denied,
    RateLimited,
    TimedOut,
    Truncated,
    UpstreamError,
)
from router.types import NOTHING, Delta, Ending

DONE = b"[DONE]"

USAGE_KEYS = frozenset({"usage", "x_groq", "timings", "usageMetadata", "prompt_eval_count"})
ENVELOPE_KNOWN = frozenset({"id", "object", "created", "model", "choices", "usage", "error"})
MOST_ID = 200
"""Characters of an upstream's name for an answer that are kept."""


Around: TypeAlias = tuple[str | None, str | None, Mapping[str, Any]]
"""What stands around the choices: the model that serves, its name for the answer, and all other fields."""

ReadChoice: TypeAlias = Callable[[object, Around], Delta]
"""Reads one choice; raises `Broken`."""


class Gathering:
    """Gathers an answer that is read as a whole; `max_answer` bounds it in bytes."""

    def __init__(self, max_answer: int) -> None:
        self._max_answer = max_answer
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes, /) -> Iterator[Delta]:
        self._parts.append(data)
        self._size += len(data)
        if self._size > self._max_answer:
            raise Broken("The upstream's answer is too large.")
        return iter(())

    def gathered(self) -> bytes:
        return b"".join(self._parts)


class WholeDecoder(Gathering):
    """Reads one JSON object with choices."""

    def __init__(self, max_answer: int, read: ReadChoice) -> None:
        super().__init__(max_answer)
        self._read = read

    def end(self) -> tuple[list[Delta], Ending]:
        body = object_in(self.gathered())
        deltas = deltas_in(body, self._read)
        if not deltas:
            raise Broken("The upstream's answer has no choices.")
        return deltas, ending_in(body)


class StreamDecoder:
    """Reads a stream of chunks; of several usages each count is the largest (`usage.larger`)."""

    def __init__(self, max_answer: int, read: ReadChoice) -> None:
        self._reader, self._read = EventReader(), read
        self._budget = max_answer
        self._open: set[int] = set()
        self._begun = self._done = False
        self._ending = Ending()

    def feed(self, data: bytes, /) -> Iterator[Delta]:
        self._budget -= len(data)
        if self._budget < 0:
            raise Broken("The upstream's answer is too large.")
        return self._chunks(self._reader.feed(data))

    def end(self) -> tuple[list[Delta], Ending]:
        deltas = list(self._chunks(self._reader.end()))
        if not self._begun:
            raise Broken("The upstream's stream ended without an answer.")
        if self._open:
            # Without a finish reason nobody can tell a whole answer from a cut one, [DONE] or not.
            raise Truncated
        return deltas, self._ending

    def _chunks(self, events: list[bytes]) -> Iterator[Delta]:
        for data in events:
            if self._done or data == DONE:
                self._done = True
                return
            chunk = object_in(data)
            for delta in deltas_in(chunk, self._read):
                self._note(delta)
                yield delta
            self._note_usage(chunk)

    def _note_usage(self, chunk: Mapping[str, Any]) -> None:
        if not chunk.keys().isdisjoint(USAGE_KEYS):
            ending = ending_in(chunk)
            if ending.usage is not None:
                usage = larger(self._ending.usage, ending.usage)
                self._ending = replace(ending, usage=usage)

    def _note(self, delta: Delta) -> None:
        self._begun = True
        if delta.finish_reason is None:
            self._open.add(delta.choice)
        else:
            self._open.discard(delta.choice)


def object_in(data: bytes) -> dict[str, Any]:
    """Parse an answer; raise the `UpstreamError` that it reports, or `Broken`."""
    body = parsed(data)
    if not isinstance(body, dict):
        raise Broken("The upstream's answer is not a JSON object.")
    if body.get("error"):
        error = _error_object(body)
        status = error.get("code") if isinstance(error.get("code"), int) else None
        raise _failure(status or 502, _message(error) or "The upstream reported an error.", error, None)
    return body


def deltas_in(body: Mapping[str, Any], read: ReadChoice) -> list[Delta]:
    """Read every choice of an answer, or of a chunk of one."""
    choices = body.get("choices")
    if choices is None:
        choices = []
    if not isinstance(choices, list):
        raise Broken("The upstream's `choices` is not a list.")
    around = around_in(body)
    return [read(choice, around) for choice in choices]


def around_in(body: Mapping[str, Any]) -> Around:
    """Read what stands around the choices."""
    model, named = body.get("model"), body.get("id")
    return (
        model if isinstance(model, str) and model else None,
        named[:MOST_ID] if isinstance(named, str) and named else None,
        others(body, ENVELOPE_KNOWN),
    )


def ending_in(body: Mapping[str, Any]) -> Ending:
    """Read what is known once an answer is over."""
    written, model = body.get("usage"), body.get("model")
    envelope = others(body, ENVELOPE_KNOWN)
    usage = usage_in(body)
    if usage is not None and usage.flaw is None and isinstance(written, dict):
        envelope = {**envelope, "usage": written}
    return Ending(
        usage=usage,
        served_model=model if isinstance(model, str) else None,
        envelope=envelope,
    )


def others(mapping: Mapping[str, Any], known: frozenset[str]) -> Mapping[str, Any]:
    """Give the fields that are not known here, to be handed on."""
    if mapping.keys() <= known:
        return NOTHING
    return {key: value for key, value in mapping.items() if key not in known}


def failure_of(status: int, body: bytes, retry_after: float | None) -> UpstreamError:
    """Make an error of an answer that is not 200."""
    error = _error_object(parsed(body))
    message = _message(error) or f"The upstream answered with status {status}."
    return _failure(status, message, error, retry_after)


def parsed(data: bytes) -> object:
    """Parse JSON; `None` if it is none."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _with_odd_numbers(data)


def _with_odd_numbers(data: bytes) -> object:
    """Read NaN and Infinity, which Python's own writer lets through and JSON has not."""
    if b"NaN" not in data and b"Infinity" not in data:
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _error_object(body: object) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        return NOTHING
    error = body.get("error", body)
    if isinstance(error, dict):
        return error
    return {"message": error} if isinstance(error, str) else NOTHING


def _message(error: Mapping[str, Any]) -> str | None:
    message = error.get("message") or error.get("detail")
    return message[:2000] if isinstance(message, str) else None


def _failure(status: int, message: str, error: Mapping[str, Any], retry_after: float | None) -> UpstreamError:
    if status in {429, 529} or (status == 503 and retry_after is not None):
        return RateLimited(message, status=status, retry_after=retry_after)
    if status in {401, 402, 403, 404, 407, 451}:
        return Denied(message, status=status)
    if status in {400, 413, 422}:
        param, code = error.get("param"), error.get("code")
        return CallerFault(
            message,
            status=status,
            param=param if isinstance(param, str) else None,
            code=code if isinstance(code, str) else None,
        )
    if status in {408, 504}:
        return TimedOut(message, status=status)
    return Broken(message, status=status, retry_after=retry_after)
