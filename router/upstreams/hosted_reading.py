"""Answers of litellm, which have the shape of chat completions, as deltas and usage."""

from collections.abc import Iterator, Mapping
from typing import Any

from router.types import Delta, ToolCall, Usage

KNOWN = frozenset({"role", "content", "refusal", "tool_calls"})


def plain(answer: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = answer.model_dump(exclude_none=True)
    return dumped


def deltas(answer: Mapping[str, Any], part: str) -> Iterator[Delta]:
    """Read the choices of a chunk or of a whole reply; a choice that says nothing is left out."""
    for choice in answer.get("choices", ()):
        said = choice.get(part) or {}
        delta = Delta(
            choice=choice.get("index", 0),
            role=said.get("role"),
            text=said.get("content") or "",
            refusal=said.get("refusal") or "",
            tool_calls=tuple(
                _tool_call(call, place) for place, call in enumerate(said.get("tool_calls") or ())
            ),
            finish_reason=choice.get("finish_reason"),
            logprobs=choice.get("logprobs"),
            extra={name: value for name, value in said.items() if name not in KNOWN and value},
        )
        if delta != Delta(choice=delta.choice):
            yield delta


def _tool_call(call: Mapping[str, Any], place: int) -> ToolCall:
    function = call.get("function") or {}
    return ToolCall(
        index=call.get("index", place),
        id=call.get("id"),
        name=function.get("name"),
        arguments=function.get("arguments") or "",
    )


def usage_of(said: Mapping[str, Any] | None) -> Usage | None:
    """Read litellm's usage: its prompt tokens contain the cached ones, and its zeros may mean 'not said'."""
    if not said or not (said.get("prompt_tokens") or said.get("completion_tokens")):
        return None
    prompt = said.get("prompt_tokens_details") or {}
    output = said.get("completion_tokens_details") or {}
    return Usage(
        input=said.get("prompt_tokens"),
        output=said.get("completion_tokens"),
        cached=prompt.get("cached_tokens"),
        cache_write=prompt.get("cache_creation_tokens"),
        reasoning=output.get("reasoning_tokens") or None,
    )
