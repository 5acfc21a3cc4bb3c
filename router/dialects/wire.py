"""The chat-completions wire towards upstreams: what vLLM, SGLang, Ollama, OpenRouter and most speak."""

import orjson

from router.dialects.decoding import Around, StreamDecoder, WholeDecoder, failure_of, others
from router.errors import Broken, UpstreamError
from router.seams import Decoder
from router.types import Delta, Model, Request, ToolCall

CHOICE_KNOWN = frozenset({"index", "delta", "message", "finish_reason", "logprobs"})
MESSAGE_KNOWN = frozenset({"role", "content", "refusal", "tool_calls"})
CALL_KNOWN = frozenset({"index", "id", "type", "function"})


class ChatWire:
    """Chat completions, plain and streamed; `max_answer` bounds an answer in bytes."""

    path = "/chat/completions"

    def __init__(self, *, max_answer: int = 64 << 20) -> None:
        self._max_answer = max_answer

    def encode(self, request: Request, model: Model, /) -> bytes:
        return orjson.dumps(asked(request, model))

    def decoder(self, request: Request, /, *, stream: bool) -> Decoder:  # noqa: ARG002 - the seam
        if stream:
            return StreamDecoder(self._max_answer, _delta)
        return WholeDecoder(self._max_answer, _message)

    def failure(self, status: int, body: bytes, *, retry_after: float | None) -> UpstreamError:
        return failure_of(status, body, retry_after)


def asked(request: Request, model: Model) -> dict[str, object]:
    """Give the caller's body as the upstream takes it."""
    body = {**request.body, "model": model.upstream_name}
    if request.stream:
        # Usage is always asked for: a stream without it can only be estimated.
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return body


def _delta(choice: object, around: Around) -> Delta:
    return _read(choice, "delta", around)


def _message(choice: object, around: Around) -> Delta:
    return _read(choice, "message", around)


def _read(choice: object, key: str, around: Around) -> Delta:
    if not isinstance(choice, dict):
        raise Broken("The upstream's choice is not an object.")
    message = choice.get(key)
    if message is None:
        message = {}
    index, finish = choice.get("index", 0), choice.get("finish_reason")
    if not isinstance(message, dict) or not isinstance(index, int):
        raise Broken(f"The upstream's `{key}` is not an object.")
    logprobs = choice.get("logprobs")
    served, served_id, envelope = around
    return Delta(
        choice=index,
        role=message.get("role"),
        text=_text(message.get("content")),
        refusal=_text(message.get("refusal")),
        tool_calls=_tool_calls(message.get("tool_calls")),
        finish_reason=finish if isinstance(finish, str) else None,
        logprobs=logprobs if isinstance(logprobs, dict) else None,
        served_model=served,
        served_id=served_id,
        extra=others(message, MESSAGE_KNOWN),
        choice_extra=others(choice, CHOICE_KNOWN),
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
        extra=others(call, CALL_KNOWN),
    )
