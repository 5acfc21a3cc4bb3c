"""The chat-completions wire towards upstreams: what vLLM, SGLang, Ollama, OpenRouter and most speak."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

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
from router.seams import Decoder
from router.types import NOTHING, Delta, Ending, Model, Request, ToolCall

DONE = b"[DONE]"

USAGE_KEYS = frozenset({"usage", "x_groq", "timings", "usageMetadata", "prompt_eval_count"})
ENVELOPE_KNOWN = frozenset({"id", "object", "created", "model", "choices", "usage", "error"})
MOST_ID = 200
"""Characters of an upstream's name for an answer that are kept."""

CHOICE_KNOWN = frozenset({"index", "delta", "message", "finish_reason", "logprobs"})
MESSAGE_KNOWN = frozenset({"role", "content", "refusal", "tool_calls"})
CALL_KNOWN = frozenset({"index", "id", "type", "function"})


class ChatWire:
    """Chat completions, plain and streamed; `max_answer` bounds an answer in bytes."""

    path = "/chat/completions"

    def __init__(self, *, max_answer: int = 64 << 20) -> None:
        self._max_answer = max_answer

    def encode(self, request: Request, model: Model, /) -> bytes:
        body = {**request.body, "model": model.upstream_name}
        if request.stream:
            # Usage is always asked for: a stream without it can only be estimated.
            body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        return orjson.dumps(body)

    def decoder(self, *, stream: bool) -> Decoder:
        return StreamDecoder(self._max_answer) if stream else WholeDecoder(self._max_answer)

    def failure(self, status: int, body: bytes, *, retry_after: float | None) -> UpstreamError:
        error = _error_object(_parsed(body))
        message = _message(error) or f"The upstream answered with status {status}."
        return _failure(status, message, error, retry_after)


class WholeDecoder:
    """Reads one JSON object."""

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

    def end(self) -> tuple[list[Delta], Ending]:
        body = _object(b"".join(self._parts))
        deltas = _deltas(body, "message")
        if not deltas:
            raise Broken("The upstream's answer has no choices.")
        return deltas, _ending(body)


class StreamDecoder:
    """Reads a stream of chunks; of several usages each count is the largest (`usage.larger`)."""

    def __init__(self, max_answer: int) -> None:
        self._reader = EventReader()
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
            chunk = _object(data)
            for delta in _deltas(chunk, "delta"):
                self._note(delta)
                yield delta
            self._note_usage(chunk)

    def _note_usage(self, chunk: Mapping[str, Any]) -> None:
        if not chunk.keys().isdisjoint(USAGE_KEYS):
            ending = _ending(chunk)
            if ending.usage is not None:
                usage = larger(self._ending.usage, ending.usage)
                self._ending = replace(ending, usage=usage)

    def _note(self, delta: Delta) -> None:
        self._begun = True
        if delta.finish_reason is None:
            self._open.add(delta.choice)
        else:
            self._open.discard(delta.choice)


def _parsed(data: bytes) -> object:
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


def _object(data: bytes) -> dict[str, Any]:
    body = _parsed(data)
    if not isinstance(body, dict):
        raise Broken("The upstream's answer is not a JSON object.")
    if body.get("error"):
        error = _error_object(body)
        status = error.get("code") if isinstance(error.get("code"), int) else None
        raise _failure(status or 502, _message(error) or "The upstream reported an error.", error, None)
    return body


def _ending(body: Mapping[str, Any]) -> Ending:
    written, model = body.get("usage"), body.get("model")
    envelope = _rest(body, ENVELOPE_KNOWN)
    usage = usage_in(body)
    if usage is not None and usage.flaw is None and isinstance(written, dict):
        envelope = {**envelope, "usage": written}
    return Ending(
        usage=usage,
        served_model=model if isinstance(model, str) else None,
        envelope=envelope,
    )


def _deltas(body: Mapping[str, Any], key: str) -> list[Delta]:
    choices = body.get("choices")
    if choices is None:
        choices = []
    if not isinstance(choices, list):
        raise Broken("The upstream's `choices` is not a list.")
    envelope, model = _rest(body, ENVELOPE_KNOWN), body.get("model")
    served = model if isinstance(model, str) and model else None
    named = body.get("id")
    served_id = named[:MOST_ID] if isinstance(named, str) and named else None
    return [_delta(choice, key, (served, served_id), envelope) for choice in choices]


def _delta(
    choice: object, key: str, served: tuple[str | None, str | None], envelope: Mapping[str, Any]
) -> Delta:
    if not isinstance(choice, dict):
        raise Broken("The upstream's choice is not an object.")
    message = choice.get(key)
    if message is None:
        message = {}
    index, finish = choice.get("index", 0), choice.get("finish_reason")
    if not isinstance(message, dict) or not isinstance(index, int):
        raise Broken(f"The upstream's `{key}` is not an object.")
    logprobs = choice.get("logprobs")
    return Delta(
        choice=index,
        role=message.get("role"),
        text=_text(message.get("content")),
        refusal=_text(message.get("refusal")),
        tool_calls=_tool_calls(message.get("tool_calls")),
        finish_reason=finish if isinstance(finish, str) else None,
        logprobs=logprobs if isinstance(logprobs, dict) else None,
        served_model=served[0],
        served_id=served[1],
        extra=_rest(message, MESSAGE_KNOWN),
        choice_extra=_rest(choice, CHOICE_KNOWN),
        envelope=envelope,
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):  # Mistral answers with content parts
        return "".join(p["text"] for p in value if isinstance(p, dict) and isinstance(p.get("text"), str))
    raise Broken("The upstream's content is not text.")


def _tool_calls(value: object) -> tuple[ToolCall, ...]:
    if not value:
        return ()
    if not isinstance(value, list):
        raise Broken("The upstream's `tool_calls` is not a list.")
    return tuple(_tool_call(position, call) for position, call in enumerate(value))


def _tool_call(position: int, call: object) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict | None):
        raise Broken("The upstream's tool call is not an object.")
    function = function or {}
    index, arguments = call.get("index"), function.get("arguments")
    if isinstance(arguments, dict):  # Ollama has sent objects here
        arguments = orjson.dumps(arguments).decode()
    return ToolCall(
        index=index if isinstance(index, int) else position,
        id=call.get("id"),
        name=function.get("name"),
        arguments=arguments if isinstance(arguments, str) else "",
        extra=_rest(call, CALL_KNOWN),
    )


def _rest(mapping: Mapping[str, Any], known: frozenset[str]) -> Mapping[str, Any]:
    if mapping.keys() <= known:
        return NOTHING
    return {key: value for key, value in mapping.items() if key not in known}


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
