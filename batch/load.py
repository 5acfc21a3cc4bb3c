"""What a vLLM engine says of itself at `/metrics` (names as of vLLM 0.32)."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SAMPLE = re.compile(rb"^(vllm:[a-z_]+)(?:\{[^}]*\})? (\S+)", re.MULTILINE)

NAMES: Mapping[bytes, str] = MappingProxyType(
    {
        b"vllm:num_requests_running": "running",
        b"vllm:num_requests_waiting": "waiting",
        b"vllm:kv_cache_usage_perc": "kv_usage",
        b"vllm:request_success_total": "ended",
        b"vllm:prefix_cache_queries_total": "prefix_queries",
        b"vllm:prefix_cache_hits_total": "prefix_hits",
        b"vllm:num_preemptions_total": "preemptions",
    }
)
"""Series by what they tell here; their samples are added up over labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLoad:
    """Requests running and waiting now, share of the KV cache in use, and counts since the engine's start."""

    running: float = 0.0
    waiting: float = 0.0
    kv_usage: float = 0.0
    ended: float = 0.0
    prefix_queries: float = 0.0
    prefix_hits: float = 0.0
    preemptions: float = 0.0


def load_of(exposition: bytes) -> EngineLoad | None:
    """Read what `/metrics` answered; `None` if no vLLM answered it."""
    sums: dict[str, float] = {}
    for name, value in SAMPLE.findall(exposition):
        if name in NAMES and (number := _finite(value)) is not None:
            sums[NAMES[name]] = sums.get(NAMES[name], 0.0) + number
    return EngineLoad(**sums) if "running" in sums else None


def _finite(text: bytes) -> float | None:
    """Read a sample's value; `None` for NaN, infinities and what is no number."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
