"""Putting the pieces of a reply together."""

from collections.abc import Iterable, Mapping
from typing import Any

from router.types import NOTHING, Choice, Delta, Ending, Reply, ToolCall


def assemble(deltas: Iterable[Delta], ending: Ending | None) -> Reply:
    """Join deltas into a reply; without an `Ending` it is not complete."""
    parts: dict[int, list[Delta]] = {}
    envelope: Mapping[str, Any] = NOTHING
    served = None
    for delta in deltas:
        parts.setdefault(delta.choice, []).append(delta)
        envelope = delta.envelope or envelope
        served = delta.served_model or served
    return Reply(
        choices=tuple(_choice(index, parts[index]) for index in sorted(parts)),
        usage=ending.usage if ending else None,
        served_model=(ending.served_model if ending else None) or served,
        envelope={**envelope, **ending.envelope} if ending else envelope,
        complete=ending is not None,
    )


def _choice(index: int, deltas: list[Delta]) -> Choice:
    if len(deltas) == 1:
        (only,) = deltas
        return Choice(
            index=index,
            text=only.text,
            refusal=only.refusal,
            tool_calls=only.tool_calls,
            finish_reason=only.finish_reason,
            logprobs=only.logprobs,
            extra=only.extra,
            choice_extra=only.choice_extra,
        )
    return Choice(
        index=index,
        text="".join(delta.text for delta in deltas),
        refusal="".join(delta.refusal for delta in deltas),
        tool_calls=_calls(call for delta in deltas for call in delta.tool_calls),
        finish_reason=next((d.finish_reason for d in reversed(deltas) if d.finish_reason), None),
        logprobs=_merged(delta.logprobs for delta in deltas if delta.logprobs) or None,
        extra=_merged(delta.extra for delta in deltas if delta.extra),
        choice_extra=_merged(delta.choice_extra for delta in deltas if delta.choice_extra),
    )


def _calls(pieces: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
    by_index: dict[int, list[ToolCall]] = {}
    for piece in pieces:
        by_index.setdefault(piece.index, []).append(piece)
    return tuple(
        ToolCall(
            index=index,
            id=next((piece.id for piece in pieces if piece.id), None),
            name=next((piece.name for piece in pieces if piece.name), None),
            arguments="".join(piece.arguments for piece in pieces),
            extra=_merged(piece.extra for piece in pieces if piece.extra),
        )
        for index, pieces in sorted(by_index.items())
    )


def _merged(mappings: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Join fields that came in pieces: strings and lists grow, anything else is as it was said last."""
    grown: dict[str, list[Any]] = {}
    for mapping in mappings:
        for key, value in mapping.items():
            grown.setdefault(key, []).append(value)
    return {key: _joined(values) for key, values in grown.items()} if grown else NOTHING


def _joined(values: list[Any]) -> Any:
    if all(isinstance(value, str) for value in values):
        return "".join(values)
    if all(isinstance(value, list) for value in values):
        return [item for value in values for item in value]
    return values[-1]
