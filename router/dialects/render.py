"""Writing a reply for the caller: one object, or a stream of chunks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from router.dialects.failure import error_body
from router.dialects.usage import wire_of
from router.types import NOTHING, Choice, Delta, Ending, Reply, ToolCall, Usage

KEEPALIVE = b": farthing is waiting for the model\n\n"
DONE = b"data: [DONE]\n\n"


class ChoicesRenderer:
    """One reply of choices, one id: one finish per choice, usage last and only if asked for.

    The finish of a choice is held back to the end, because only then are cost and usage known,
    and the note about them rides on the last chunk.
    Log-probabilities that the caller did not ask for were asked for by a check, and are not shown.
    """

    whole_object = chunk_object = ""
    """What the wire calls a reply, and a chunk of one."""

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the wire's word
        created: int,
        shows_usage: bool,
        shows_logprobs: bool = False,
    ) -> None:
        self._id, self._created, self._shows_usage = id, created, shows_usage
        self._shows_logprobs = shows_logprobs
        self._begun: set[int] = set()
        self._finishes: list[Delta] = []

    def piece(self, delta: Delta) -> dict[str, Any]:
        """Write what a chunk says of a choice."""
        raise NotImplementedError

    def choice(self, choice: Choice, logprobs: Mapping[str, Any] | None) -> dict[str, Any]:
        """Write a choice that is whole."""
        raise NotImplementedError

    def chunk(self, delta: Delta, model: str, /) -> bytes:
        if delta.logprobs is not None and not self._shows_logprobs:
            delta = replace(delta, logprobs=None)
        if delta.finish_reason is not None:
            self._finishes.append(
                replace(delta, text="", refusal="", tool_calls=(), logprobs=None, extra=NOTHING)
            )
            delta = replace(delta, finish_reason=None, choice_extra=NOTHING)
            if delta.choice in self._begun and not _says_something(delta):
                return b""
        return self._event(self._chunk(model, delta.envelope, [self.piece(delta)]))

    def ending(self, ending: Ending, model: str, note: Mapping[str, Any], /) -> bytes:
        chunks = [self._chunk(model, d.envelope, [self.piece(d)]) for d in self._finishes]
        if self._shows_usage:
            chunks.append(
                self._chunk(model, ending.envelope, [])
                | {"usage": usage_shown(ending.usage, ending.envelope)}
            )
        elif not chunks:
            chunks.append(self._chunk(model, ending.envelope, []))
        chunks[-1]["farthing"] = note
        return b"".join(self._event(chunk) for chunk in chunks) + DONE

    def whole(self, reply: Reply, model: str, note: Mapping[str, Any], /) -> bytes:
        return orjson.dumps(
            {
                "id": self._id,
                "object": self.whole_object,
                "created": self._created,
                "model": model,
                "choices": [
                    self.choice(choice, choice.logprobs if self._shows_logprobs else None)
                    for choice in reply.choices
                ],
                **reply.envelope,
                "usage": usage_shown(reply.usage, reply.envelope),
                **({"farthing": note} if note else {}),
            }
        )

    def keepalive(self) -> bytes:
        return KEEPALIVE

    def failure(self, status: int, error: Exception, /) -> bytes:
        """Tell of an error in a stream whose status has gone out; there is no [DONE] after it."""
        return self._event(error_body(status, error))

    def _event(self, chunk: Mapping[str, Any]) -> bytes:
        return b"data: " + orjson.dumps(chunk) + b"\n\n"

    def _chunk(
        self, model: str, envelope: Mapping[str, Any], choices: list[dict[str, Any]]
    ) -> dict[str, Any]:
        chunk = {
            "id": self._id,
            "object": self.chunk_object,
            "created": self._created,
            "model": model,
            **envelope,
            "choices": choices,
        }
        if self._shows_usage:
            chunk["usage"] = None
        else:
            chunk.pop("usage", None)
        return chunk


class ChatRenderer(ChoicesRenderer):
    """A reply as chat completions: one role per choice beside it."""

    whole_object, chunk_object = "chat.completion", "chat.completion.chunk"

    def piece(self, delta: Delta) -> dict[str, Any]:
        message: dict[str, Any] = {}
        if delta.choice not in self._begun:
            self._begun.add(delta.choice)
            message["role"] = delta.role or "assistant"
            message["content"] = delta.text
        elif delta.text:
            message["content"] = delta.text
        if delta.refusal:
            message["refusal"] = delta.refusal
        if delta.tool_calls:
            message["tool_calls"] = [_call(call) | {"index": call.index} for call in delta.tool_calls]
        return {
            "index": delta.choice,
            "delta": {**message, **delta.extra},
            "logprobs": delta.logprobs,
            "finish_reason": delta.finish_reason,
            **delta.choice_extra,
        }

    def choice(self, choice: Choice, logprobs: Mapping[str, Any] | None) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant",
            # A call without words has null content, not an empty string.
            "content": choice.text if choice.text or not choice.tool_calls else None,
            "refusal": choice.refusal or None,
        }
        if choice.tool_calls:
            message["tool_calls"] = [_call(call) for call in choice.tool_calls]
        return {
            "index": choice.index,
            "message": {**message, **choice.extra},
            "logprobs": logprobs,
            "finish_reason": choice.finish_reason,
            **choice.choice_extra,
        }


class TextRenderer(ChoicesRenderer):
    """A reply as text completions."""

    whole_object = chunk_object = "text_completion"

    def piece(self, delta: Delta) -> dict[str, Any]:
        self._begun.add(delta.choice)
        return {
            "index": delta.choice,
            "text": delta.text,
            "logprobs": delta.logprobs,
            "finish_reason": delta.finish_reason,
            **delta.choice_extra,
        }

    def choice(self, choice: Choice, logprobs: Mapping[str, Any] | None) -> dict[str, Any]:
        return {
            "index": choice.index,
            "text": choice.text,
            "logprobs": logprobs,
            "finish_reason": choice.finish_reason,
            **choice.choice_extra,
        }


class VectorsRenderer:
    """Vectors, never streamed; bytes are those of an upstream, and go out as they came."""

    def whole(self, reply: Reply, model: str, note: Mapping[str, Any], /) -> bytes:
        told = dict(usage_shown(reply.usage, reply.envelope) or NOTHING)
        told.pop("completion_tokens", None)
        data = reply.envelope.get("data", [])
        return orjson.dumps(
            {
                "object": "list",
                **reply.envelope,
                "data": orjson.Fragment(data) if isinstance(data, bytes) else data,
                "model": model,
                "usage": told or None,
                **({"farthing": note} if note else {}),
            }
        )


def _says_something(delta: Delta) -> bool:
    return bool(delta.text or delta.refusal or delta.tool_calls or delta.extra or delta.logprobs)


def _call(call: ToolCall) -> dict[str, Any]:
    function: dict[str, Any] = {"arguments": call.arguments}
    wire: dict[str, Any] = {"function": function, **call.extra}
    if call.name is not None:
        function["name"] = call.name
    if call.id is not None:
        wire |= {"id": call.id, "type": "function"}
    return wire


def usage_shown(usage: Usage | None, envelope: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Hand on what the provider wrote, with all its details; build it only where there is none."""
    written = envelope.get("usage")
    if isinstance(written, dict):
        return written
    return wire_of(usage) if usage is not None else None
