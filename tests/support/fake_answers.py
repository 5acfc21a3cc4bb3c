"""Chat completions as a well-behaved upstream answers them: what the fake upstream says by itself.

An answer follows from the request alone: tools are called where they must be, schemas are filled,
`n`, `stop`, `max_tokens`, `logprobs` and `stream_options` are honoured.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

Body: TypeAlias = Mapping[str, Any]

NOTHING: Body = MappingProxyType({})
CREATED = 1_790_000_000
ANSWER_ID = "chatcmpl-fake"
SPOKEN_BACK = 80
"""Characters of the last user message that an answer repeats."""

EXTRAS = MappingProxyType({"system_fingerprint": "fp_fake", "service_tier": "default", "provider": "Fake"})
MESSAGE_EXTRAS = MappingProxyType({"reasoning_content": "Let me think about it."})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One scripted answer; what is left out follows from the request.

    `tool_calls` are pairs of a name and arguments as JSON text; `served_model` another name than was asked.
    `usage` says how truthful it is; `delay` seconds pass before the first byte, `gap` before every event.
    """

    text: str | None = None
    tool_calls: tuple[tuple[str, str], ...] = ()
    finish_reason: str | None = None
    served_model: str | None = None
    usage: Literal["honest", "none", "double", "absurd"] = "honest"
    envelope: Body = field(default_factory=dict)
    message: Body = field(default_factory=dict)
    delay: float = 0
    gap: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one choice of an answer says, before it is written whole or in pieces."""

    pieces: tuple[str, ...]
    calls: tuple[tuple[str, str], ...]
    finish_reason: str


def completion(body: Body, answer: Answer) -> dict[str, Any]:
    """Write the answer as one `chat.completion` object."""
    choices = said(body, answer)
    written: dict[str, Any] = {
        **_envelope(body, answer, "chat.completion"),
        "choices": [_choice(body, answer, index, choice) for index, choice in enumerate(choices)],
    }
    if answer.usage != "none":
        written["usage"] = usage(body, answer, choices)
    return written


def chunks(body: Body, answer: Answer) -> Iterator[dict[str, Any]]:
    """Write the answer as `chat.completion.chunk` objects; usage comes last, if it was asked for."""
    choices = said(body, answer)
    envelope = _envelope(body, answer, "chat.completion.chunk")
    asked = (body.get("stream_options") or NOTHING).get("include_usage") is True
    empty = {"usage": None} if asked else {}
    for index, choice in enumerate(choices):
        for delta, logprobs, finish in _deltas(body, answer, choice):
            part = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
            yield {**envelope, "choices": [part], **empty}
    if asked and answer.usage != "none":
        last = {**envelope, "choices": [], "usage": usage(body, answer, choices)}
        yield last
        if answer.usage == "double":
            yield last


def usage(body: Body, answer: Answer, choices: Sequence[Said]) -> dict[str, Any]:
    """Count a token for every four characters of the prompt and for every piece of the answer."""
    prompt = len(json.dumps(body.get("messages"))) // 4
    spoken = sum(len(choice.pieces) + 5 * len(choice.calls) for choice in choices)
    if answer.usage == "absurd":
        prompt, spoken = -5, 10**15
    return {
        "prompt_tokens": prompt,
        "completion_tokens": spoken,
        "total_tokens": prompt + spoken,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


def said(body: Body, answer: Answer) -> list[Said]:
    """Settle what every choice says."""
    return [_said(body, answer, index) for index in range(body.get("n") or 1)]


def _said(body: Body, answer: Answer, index: int) -> Said:
    calls = answer.tool_calls or (() if answer.text is not None else _calls(body))
    if calls:
        return Said(pieces=(), calls=calls, finish_reason=answer.finish_reason or "tool_calls")
    text = answer.text if answer.text is not None else _text(body)
    text, finish = _shortened(body, text if index == 0 else f"{text} (choice {index})")
    pieces = tuple(re.findall(r"\s*\S+\s*$|\s*\S+|\s+$", text))
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    if most is not None and len(pieces) > most:
        pieces, finish = pieces[:most], "length"
    return Said(pieces=pieces, calls=(), finish_reason=answer.finish_reason or finish)


def _text(body: Body) -> str:
    form = body.get("response_format") or NOTHING
    if form.get("type") == "json_schema":
        return json.dumps(instance(form["json_schema"].get("schema") or {}))
    if form.get("type") == "json_object":
        return json.dumps({"answer": last_words(body)})
    return f"{body.get('model')} answers: {last_words(body)}"


def last_words(body: Body) -> str:
    """The beginning of the last text the user, or a tool, put into the conversation."""
    for message in reversed(body.get("messages") or ()):
        content = message.get("content")
        if isinstance(content, list):
            content = " ".join(part.get("text", f"[{part.get('type')}]") for part in content)
        if message.get("role") in {"user", "tool"} and content:
            return str(content)[:SPOKEN_BACK]
    return "nothing"


def _shortened(body: Body, text: str) -> tuple[str, str]:
    stops = body.get("stop") or ()
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.partition(stop)[0]
    return text, "stop"


def _calls(body: Body) -> tuple[tuple[str, str], ...]:
    """Call what must be called; left to choose, call each tool whose name the last message mentions."""
    tools = [tool["function"] for tool in body.get("tools") or () if tool.get("type") == "function"]
    choice = body.get("tool_choice", "auto")
    if not tools or choice == "none":
        return ()
    if isinstance(choice, dict):
        wanted = [tool for tool in tools if tool["name"] == choice["function"]["name"]]
    else:
        spoken = "" if body["messages"][-1].get("role") == "tool" else last_words(body)
        wanted = [tool for tool in tools if tool["name"] in spoken]
        wanted = wanted or (tools[:1] if choice == "required" else [])
    if body.get("parallel_tool_calls") is False:
        wanted = wanted[:1]
    return tuple((tool["name"], json.dumps(instance(tool.get("parameters") or {}))) for tool in wanted)


def instance(schema: Body, root: Body | None = None) -> Any:
    """Make the plainest value that fits a JSON Schema of the everyday kind."""
    root = root or schema
    if "$ref" in schema:
        return instance(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword in schema:
            plain = [part for part in schema[keyword] if "$ref" not in part]  # a reference may lead back here
            return instance((plain or schema[keyword])[0], root)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    return _typed(schema, root)


def _typed(schema: Body, root: Body) -> Any:
    kind = schema.get("type", "object")
    if kind == "object":
        return {name: instance(part, root) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance(schema.get("items") or {"type": "string"}, root)]
    return {"string": "text", "integer": 7, "number": 7.5, "boolean": True}.get(kind)


def _envelope(body: Body, answer: Answer, kind: str) -> dict[str, Any]:
    model = answer.served_model or body.get("model")
    return {"id": ANSWER_ID, "object": kind, "created": CREATED, "model": model, **answer.envelope}


def _choice(body: Body, answer: Answer, index: int, choice: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None, **answer.message}
    if choice.calls:
        message["tool_calls"] = [_call(i, *call) for i, call in enumerate(choice.calls)]
    else:
        message["content"] = "".join(choice.pieces)
    logprobs = {"content": [_logprob(body, p) for p in choice.pieces]} if body.get("logprobs") else None
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": choice.finish_reason}


def _deltas(body: Body, answer: Answer, choice: Said) -> Iterator[tuple[dict[str, Any], Any, str | None]]:
    yield {"role": "assistant", "content": None if choice.calls else "", **answer.message}, None, None
    for piece in choice.pieces:
        logprobs = {"content": [_logprob(body, piece)]} if body.get("logprobs") else None
        yield {"content": piece}, logprobs, None
    for index, (name, arguments) in enumerate(choice.calls):
        yield {"tool_calls": [{**_call(index, name, ""), "index": index}]}, None, None
        for start in range(0, len(arguments), 5):
            fragment = {"index": index, "function": {"arguments": arguments[start : start + 5]}}
            yield {"tool_calls": [fragment]}, None, None
    yield {}, None, choice.finish_reason


def _call(index: int, name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": arguments}}


def _logprob(body: Body, piece: str) -> dict[str, Any]:
    one = {"token": piece, "logprob": -0.05, "bytes": list(piece.encode())}
    others = [
        {"token": f"other{i}", "logprob": -3.0 - i, "bytes": None}
        for i in range(body.get("top_logprobs") or 0)
    ]
    return {**one, "top_logprobs": [one, *others][: body.get("top_logprobs") or 0]}
