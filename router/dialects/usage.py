"""Usage as upstreams write it, in every shape, as one record; and as chat completions write it for callers.

What is read, and by which convention:

| shape | known by | cached input | reasoning |
|---|---|---|---|
| chat completions | `prompt_tokens`, `completion_tokens` | inside the prompt | inside the completion |
| the same, of Grok and Gemini | a total that only adds up with it | inside | beside: it is added |
| responses | `input_tokens` with `input_tokens_details` | inside | inside |
| Anthropic | `input_tokens` without details | beside, as the written: both are added | inside |
| Gemini's own | `usageMetadata` | inside | beside: it is added |
| Ollama's own | `prompt_eval_count`, `eval_count` | inside | inside |
| llama.cpp | `timings` beside a `usage` | inside: `cache_n` | unknown |

What an upstream does not say, or says is null, is `None`: an engine that does not report its cache had no
cache miss. What cannot be (negative, fractional, parts beyond their whole) is not believed at all.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from router.pricing import possible
from router.types import DOLLAR, NOTHING, Grade, Usage

MOST = 1 << 31
"""No call has as many tokens."""

ORDINARY = frozenset({"default", "standard", "auto", "on_demand", "ON_DEMAND"})
"""Service tiers that are the ordinary one."""


class _AbsurdError(ValueError):
    """A count that cannot be one."""


def usage_in(body: Mapping[str, Any]) -> Usage | None:
    """Read the usage of an answer, or of a chunk of one, wherever it stands; `None` if there is none.

    One that is not to be believed has no counts, and a `flaw` that says why.
    """
    wire = _object(body.get("usage")) or _object(_object(body.get("x_groq")).get("usage"))
    timings, meta = _object(body.get("timings")), _object(body.get("usageMetadata"))
    if not (wire or meta or timings or "prompt_eval_count" in body):
        return None
    try:
        if meta:
            usage = _gemini(meta)
        elif "prompt_eval_count" in body:
            usage = _ollama(body)
        else:
            usage = usage_of(wire) if wire else None
            usage = _with_timings(usage, timings)
    except _AbsurdError as absurd:
        usage = _flawed(str(absurd), wire)
    if usage is None or usage.flaw is not None:
        return usage
    tier = body.get("service_tier") or wire.get("service_tier")
    return replace(usage, tier=_tier(tier))


def usage_of(wire: Mapping[str, Any]) -> Usage | None:
    """Read a `usage` object by itself; `None` if it says neither input nor output."""
    try:
        if "prompt_tokens" in wire or "completion_tokens" in wire:
            usage = _chat(wire)
        elif "input_tokens" in wire or "output_tokens" in wire:
            usage = _responses(wire) if _is_responses(wire) else _anthropic(wire)
        else:
            return None
    except _AbsurdError as absurd:
        return _flawed(str(absurd), wire)
    if usage.input is None or usage.output is None:
        return None
    if not possible(usage):
        return _flawed("its parts exceed the whole", wire)
    return usage


def larger(one: Usage | None, other: Usage | None) -> Usage | None:
    """Join two reports of one call: each count at its largest.

    Some upstreams repeat a running usage, some tell input and output apart, one in the first chunk and one
    in the last; a count that shrinks is a mistake. What is not believed gives way to what is.
    """
    if one is None or other is None or one.flaw or other.flaw:
        return next((usage for usage in (other, one) if usage is not None and not usage.flaw), other or one)
    counts = (field.name for field in fields(Usage) if field.name not in {"grade", "tier", "flaw"})
    most: dict[str, Any] = {name: _most(getattr(one, name), getattr(other, name)) for name in counts}
    return replace(other, **most, tier=other.tier or one.tier)


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


def _chat(wire: Mapping[str, Any]) -> Usage:
    prompt, completion = (
        _object(wire.get("prompt_tokens_details")),
        _object(wire.get("completion_tokens_details")),
    )
    read, written = _count(wire, "prompt_tokens"), _count(wire, "completion_tokens")
    reasoning = _first(_count(completion, "reasoning_tokens"), _count(wire, "reasoning_tokens"))
    if reasoning and read is not None and written is not None:
        # Grok and Gemini count it beside the completion; their totals tell.
        beside = _count(wire, "total_tokens") == read + written + reasoning
        written += reasoning if beside or reasoning > written else 0
    return Usage(
        input=read,
        output=written,
        cached=_first(
            _count(prompt, "cached_tokens"),
            _count(wire, "prompt_cache_hit_tokens"),  # DeepSeek
            _count(wire, "cached_tokens"),  # mlx-lm, Moonshot
            _count(wire, "num_cached_tokens"),  # Mistral
            _count(wire, "cache_read_input_tokens"),
        ),
        cache_write=_first(
            _count(prompt, "cache_write_tokens"),  # OpenRouter
            _count(prompt, "cache_creation_input_tokens"),  # Venice
            _count(prompt, "cache_creation_tokens"),  # litellm
            _count(wire, "cache_creation_input_tokens"),
        ),
        reasoning=reasoning,
        audio_input=_count(prompt, "audio_tokens"),
        image_input=_count(prompt, "image_tokens"),
        audio_output=_count(completion, "audio_tokens"),
        image_output=_count(completion, "image_tokens"),
        searches=_count(_object(wire.get("server_tool_use")), "web_search_requests"),
        cost=_cost(wire),
    )


def _is_responses(wire: Mapping[str, Any]) -> bool:
    return "input_tokens_details" in wire or ("output_tokens_details" in wire and "total_tokens" in wire)


def _responses(wire: Mapping[str, Any]) -> Usage:
    read, written = _object(wire.get("input_tokens_details")), _object(wire.get("output_tokens_details"))
    return Usage(
        input=_count(wire, "input_tokens"),
        output=_count(wire, "output_tokens"),
        cached=_count(read, "cached_tokens"),
        cache_write=_count(read, "cache_write_tokens"),
        reasoning=_count(written, "reasoning_tokens"),
        audio_input=_count(read, "audio_tokens"),
        image_input=_count(read, "image_tokens"),
        audio_output=_count(written, "audio_tokens"),
        image_output=_count(written, "image_tokens"),
        cost=_cost(wire),
    )


def _anthropic(wire: Mapping[str, Any]) -> Usage:
    plain, cached = _count(wire, "input_tokens"), _count(wire, "cache_read_input_tokens")
    created = _object(wire.get("cache_creation"))
    written = _count(wire, "cache_creation_input_tokens")
    whole = None if plain is None else plain + (cached or 0) + (written or 0)
    return Usage(
        input=whole,
        output=_count(wire, "output_tokens"),
        cached=cached,
        cache_write=written,
        cache_write_long=_count(created, "ephemeral_1h_input_tokens"),
        reasoning=_count(_object(wire.get("output_tokens_details")), "thinking_tokens"),
        searches=_count(_object(wire.get("server_tool_use")), "web_search_requests"),
        cost=_cost(wire),
    )


def _gemini(meta: Mapping[str, Any]) -> Usage | None:
    read, written = _count(meta, "promptTokenCount"), _count(meta, "candidatesTokenCount")
    if read is None:
        return None
    thought = _count(meta, "thoughtsTokenCount")
    return Usage(
        input=read + (_count(meta, "toolUsePromptTokenCount") or 0),
        output=(written or 0) + (thought or 0),
        cached=_count(meta, "cachedContentTokenCount"),
        reasoning=thought,
        audio_input=_of_modality(meta, "promptTokensDetails", "AUDIO"),
        image_input=_of_modality(meta, "promptTokensDetails", "IMAGE"),
        audio_output=_of_modality(meta, "candidatesTokensDetails", "AUDIO"),
        image_output=_of_modality(meta, "candidatesTokensDetails", "IMAGE"),
    )


def _of_modality(meta: Mapping[str, Any], key: str, modality: str) -> int | None:
    details = meta.get(key)
    rows = [_object(row) for row in details] if isinstance(details, list) else []
    return next((_count(row, "tokenCount") for row in rows if row.get("modality") == modality), None)


def _ollama(body: Mapping[str, Any]) -> Usage | None:
    read, written = _count(body, "prompt_eval_count"), _count(body, "eval_count")
    if read is None or written is None:
        return None
    return Usage(input=read, output=written, cached=_count(body, "prompt_eval_cached_count"))


def _with_timings(usage: Usage | None, timings: Mapping[str, Any]) -> Usage | None:
    """Add what llama.cpp tells beside the usage: its `prompt_n` is only what was new."""
    cached, fresh = _count(timings, "cache_n"), _count(timings, "prompt_n")
    if usage is None and fresh is not None and (written := _count(timings, "predicted_n")) is not None:
        return Usage(input=fresh + (cached or 0), output=written, cached=cached)
    if usage is None or usage.flaw is not None or usage.cached is not None:
        return usage
    return replace(usage, cached=cached) if cached is None or cached <= (usage.input or 0) else usage


def _flawed(reason: str, wire: Mapping[str, Any]) -> Usage:
    return Usage(grade=Grade.NONE, flaw=reason, cost=_cost(wire))


def _tier(value: object) -> str | None:
    return value if isinstance(value, str) and value not in ORDINARY else None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else NOTHING


def _first(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)


def _most(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _count(wire: Mapping[str, Any], key: str) -> int | None:
    """Read a count, `None` if it is not there; raises `_AbsurdError` for what is none."""
    value = wire.get(key)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MOST:
        raise _AbsurdError(f"{key} is no count of tokens")
    return value


def _cost(wire: Mapping[str, Any]) -> int | None:
    """What the provider says it charged, in US dollars: OpenRouter's `cost`, DeepInfra's `estimated_cost`."""
    for key in ("cost", "estimated_cost"):
        amount = _picodollars(wire.get(key))
        if amount is not None:
            return amount
    return None


def _picodollars(value: object) -> int | None:
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value)) * DOLLAR
    except InvalidOperation:
        return None
    return round(amount) if amount.is_finite() and 0 <= amount < 10**18 else None
