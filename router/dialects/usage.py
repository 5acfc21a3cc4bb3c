"""Usage as chat completions write it, both ways.

Convention of this wire: `prompt_tokens` counts the whole prompt and `cached_tokens` are a part of it,
`reasoning_tokens` a part of `completion_tokens`.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from router.types import DOLLAR, NOTHING, Grade, Usage


def usage_of(wire: Mapping[str, Any]) -> Usage | None:
    """Read a `usage` object; `None` if it does not say input and output, or says them absurdly."""
    read, written = _count(wire.get("prompt_tokens")), _count(wire.get("completion_tokens"))
    if read is None or written is None:
        return None
    prompt = wire.get("prompt_tokens_details")
    completion = wire.get("completion_tokens_details")
    prompt = prompt if isinstance(prompt, dict) else NOTHING
    completion = completion if isinstance(completion, dict) else NOTHING
    cached = _count(prompt.get("cached_tokens"))
    if cached is None:
        cached = _count(wire.get("prompt_cache_hit_tokens"))  # DeepSeek
    return Usage(
        input=read,
        output=written,
        cached=cached,
        cache_write=_count(prompt.get("cache_write_tokens")),
        reasoning=_count(completion.get("reasoning_tokens")),
        cost=_picodollars(wire.get("cost")),
    )


def wire_of(usage: Usage) -> dict[str, Any]:
    """Write a `usage` object; unknown parts are left out, and an estimate says that it is one."""
    prompt, completion = usage.input or 0, usage.output or 0
    wire: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if usage.cached is not None:
        wire["prompt_tokens_details"] = {"cached_tokens": usage.cached}
    if usage.reasoning is not None:
        wire["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    if usage.grade is not Grade.REPORTED:
        wire["farthing_estimated"] = True
    return wire


def _count(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31
    return value if whole and isinstance(value, int) else None


def _picodollars(value: object) -> int | None:
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value)) * DOLLAR
    except InvalidOperation:
        return None
    return int(amount) if amount.is_finite() and 0 <= amount < 10**18 else None
