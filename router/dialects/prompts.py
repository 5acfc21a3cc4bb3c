"""Prompts without a conversation: one text or several, as words or as numbers of tokens."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from router.errors import BadRequest
from router.types import Turn

MOST = 2048
"""Texts in one request; that is OpenAI's limit for embeddings."""

ONE_VOCABULARY = "numbers of tokens mean something to one model's vocabulary alone"


class Prompts(NamedTuple):
    """Each text as a turn of its own; of those that came as numbers, and have no words, how many each has."""

    turns: tuple[Turn, ...]
    token_counts: tuple[int, ...] = ()


def prompts(wire: Mapping[str, Any], field: str) -> Prompts:
    """Read a text, a list of texts, a list of tokens, or a list of such lists; raise `BadRequest`."""
    value = wire.get(field)
    if isinstance(value, str):
        return Prompts((Turn(role="user", text=value),))
    if not isinstance(value, list) or not value:
        raise _wrong(field)
    if all(isinstance(text, str) for text in value):
        _bounded(value, field)
        return Prompts(tuple(Turn(role="user", text=text) for text in value))
    if _are_tokens(value):
        return Prompts((Turn(role="user", text=""),), (len(value),))
    if not all(isinstance(ids, list) and ids and _are_tokens(ids) for ids in value):
        raise _wrong(field)
    _bounded(value, field)
    return Prompts(tuple(Turn(role="user", text="") for _ in value), tuple(map(len, value)))


def _are_tokens(value: list[Any]) -> bool:
    return all(type(token) is int and 0 <= token < 1 << 32 for token in value)


def _bounded(value: list[Any], field: str) -> None:
    if len(value) > MOST:
        raise BadRequest(f"`{field}` has {len(value)} texts, the most is {MOST}.", param=field)


def _wrong(field: str) -> BadRequest:
    return BadRequest(
        f"`{field}` must be a text, a list of texts, a list of tokens or a list of such lists.", param=field
    )
