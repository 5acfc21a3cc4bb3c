"""Calls to price with every model of litellm's list, for us and for litellm as the judge."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

AT = "2026-11-24T11:30:00+00:00"
"""A Tuesday, within the cheap hours of those that have some."""

CASES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "plain": {"input": 1000, "output": 500},
        "one token": {"input": 1, "output": 1},
        "cached": {"input": 1000, "output": 500, "cached": 400},
        "written": {"input": 1000, "output": 500, "cached": 100, "cache_write": 300},
        "long": {"input": 300_000, "output": 500},
        "long and cached": {"input": 300_000, "output": 500, "cached": 250_000},
        "thought": {"input": 1000, "output": 500, "reasoning": 300},
        "heard": {"input": 1000, "output": 500, "audio_input": 200},
        "spoken": {"input": 1000, "output": 500, "audio_output": 200},
        "flex": {"input": 1000, "output": 500, "cached": 400, "tier": "flex"},
        "priority": {"input": 1000, "output": 500, "cached": 400, "tier": "priority"},
        "long and flex": {"input": 300_000, "output": 500, "tier": "flex"},
    }
)
"""By name; the fields are those of our `Usage`."""

MODES = frozenset({"chat", "responses", "completion"})
