"""What is known of a model without having asked it anything, as numbers the prior is fitted on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from router.difficulty import names
from router.difficulty.hierarchy import Doubles
from router.types import Model

THINKS = ("thinking", "reasoning", "-r1", "qwq", "o1", "o3", "o4", "magistral")

RELEASED: Mapping[str, float] = {
    "llama": 2023.2, "llama-2": 2023.5, "llama-3": 2024.3, "llama-3.1": 2024.6, "llama-3.2": 2024.7,
    "llama-3.3": 2024.9, "llama-4": 2025.3, "qwen1.5": 2024.1, "qwen2": 2024.4, "qwen2.5": 2024.7,
    "qwen3": 2025.3, "mistral": 2023.8, "mixtral": 2023.9, "gemma": 2024.1, "gemma-2": 2024.5,
    "gemma-3": 2025.2, "phi-3": 2024.4, "phi-4": 2025.0, "yi": 2023.9, "yi-1.5": 2024.4,
    "deepseek-v2": 2024.5, "deepseek-v3": 2025.0, "deepseek-r1": 2025.1, "gpt-3.5": 2023.4,
    "gpt-4": 2023.8, "gpt-4o": 2024.5, "gpt-4.1": 2025.3, "claude": 2023.3, "claude-3": 2024.2,
    "claude-3.5": 2024.6, "claude-3.7": 2025.1, "claude-4": 2025.4, "gemini": 2024.4,
    "command-r": 2024.2, "command-a": 2025.2, "olmo": 2025.2, "glm": 2024.5, "wizardlm": 2023.5,
    "vicuna": 2023.4, "codellama": 2023.6, "palm-2": 2023.4, "grok": 2024.8, "o-series": 2024.8,
    "nemotron": 2024.8, "hermes": 2024.4,
}  # fmt: skip
"""When families came out, in years: at equal size, later ones answer better."""

USUAL_YEAR = 2024.5

PICODOLLARS = 1e6
"""A dollar per million tokens, in picodollars per token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Size in billions of parameters, price in dollars per million output tokens; unknown is `None`."""

    params_b: float | None = None
    active_params_b: float | None = None
    price: float | None = None
    open_weight: bool | None = None
    year: float | None = None
    thinks: bool = False

    @property
    def pattern(self) -> int:
        """Which facts are known: bit 0 the size, bit 1 the price."""
        return (self.params_b is not None) + 2 * (self.price is not None)

    def numbers(self, pattern: int | None = None) -> Doubles:
        """Return the facts of a pattern (default: all known); a pattern always has the same columns."""
        wanted = self.pattern if pattern is None else pattern
        year = (self.year if self.year is not None else USUAL_YEAR) - USUAL_YEAR
        row = [1.0, min(max(year, -1.5), 1.0), float(self.thinks)]
        row.append(0.0 if self.open_weight is None else 1.0 if self.open_weight else -1.0)
        if self.params_b is not None and wanted & 1:
            active = self.active_params_b or self.params_b
            size = math.log(min(max(self.params_b, 0.3), 1000.0) / 20.0)
            row += [size, math.log(min(max(active, 0.3), 500.0) / 15.0)]
        if self.price is not None and wanted & 2:
            row.append(math.log(min(max(self.price, 0.02), 100.0)))
        return np.array(row)


def columns(pattern: int) -> int:
    """Return how many numbers the facts of a pattern are."""
    return 4 + 2 * (pattern & 1) + (pattern >> 1)


def facts_of(model: Model) -> Facts:
    """Read a catalogue row; what it leaves out is read off its names."""
    known = (model.upstream_name, model.name, *model.served_as)
    params, active = model.params_b, model.active_params_b
    for name in known:
        if params is None:
            params, read = names.sizes(name)
            active = active if active is not None else read
    price = (
        model.prices.output / PICODOLLARS if model.prices is not None and model.prices.output > 0 else None
    )
    return Facts(
        params_b=params,
        active_params_b=active,
        price=price,
        open_weight=model.open_weight,
        year=year_of(model.family, *known),
        thinks=thinks(*known),
    )


def year_of(family: str | None, *known: str) -> float | None:
    """Return when the family came out, `None` if neither it nor a name tells."""
    if family is not None and family in RELEASED:
        return RELEASED[family]
    for name in known:
        parts = names.spellings(name)[1][1:]
        best = max(
            (key for key in RELEASED if f"{parts}-".startswith(f"{names.spellings(key)[1][1:]}-")),
            key=len,
            default=None,
        )
        if best is not None:
            return RELEASED[best]
    return None


def thinks(*known: str) -> bool:
    return any(mark in name.lower() for name in known for mark in THINKS)
