"""What was learnt from own traffic, as it is kept in a file and read by those who serve."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeAlias

from router.learning.folder import Unusable
from router.types import Segment

Name: TypeAlias = tuple[str, ...]
"""Of an effect: ("everywhere",), ("model", name), ("kind", kind), ("segment", policy, kind) and so on."""

FARTHEST = 6.0
"""Logits by which a chance is moved at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Own experience with a model in a segment: how much, what was promised and what came of it.

    `outcomes` were told by somebody, `checked` are verdicts of self-checks.
    `promised` and `found` are means over the outcomes, `shift` (logits) with its standard deviation `doubt`.
    """

    policy: str
    kind: str
    model: str
    outcomes: int
    checked: int
    rejected: int
    promised: float | None
    found: float | None
    low: float | None
    high: float | None
    shift: float
    doubt: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A stream of outcomes that left what was promised; see `watching.py`."""

    scope: str
    name: str
    side: str
    evidence: float
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """What was learnt. `base` names the classifier and the placed models it was learnt on top of."""

    base: str
    made: datetime
    effects: Mapping[Name, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))
    """Mean and standard deviation by name."""
    lengths: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """By model: how many times longer its answers are than expected."""
    cells: Sequence[Cell] = ()
    alarms: Sequence[Alarm] = ()
    ignored: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Rows that were not learnt from, by reason."""

    def shift(self, model: str, segment: Segment) -> float:
        """Return the logits a model's chance moves by."""
        names: tuple[Name, ...] = (
            ("everywhere",),
            ("model", model),
            ("kind", segment.kind),
            ("segment", *segment),
            ("pair", *segment, model),
        )
        total = sum(self.effects[name][0] for name in names if name in self.effects)
        return min(max(total, -FARTHEST), FARTHEST)

    def slope(self, segment: Segment) -> float:
        """Return what logits are multiplied with."""
        names: tuple[Name, ...] = (("slope",), ("kind slope", segment.kind))
        return min(max(1.0 + sum(self.effects[name][0] for name in names if name in self.effects), 0.1), 3.0)

    @property
    def traits(self) -> tuple[float, ...]:
        """Logits by which each trait of the text moves every model's chance."""
        count = sum(name[0] == "trait" for name in self.effects)
        return tuple(self.effects[("trait", str(at))][0] for at in range(count))

    def content(self) -> dict[str, Any]:
        """Return it as it is written."""
        return {
            "base": self.base,
            "made": self.made.isoformat(),
            "effects": [[*name, *map(_rounded, value)] for name, value in self.effects.items()],
            "lengths": {name: _rounded(value) for name, value in self.lengths.items()},
            "cells": [{key: _rounded(getattr(cell, key)) for key in Cell.__slots__} for cell in self.cells],
            "alarms": [
                {key: _rounded(getattr(alarm, key)) for key in Alarm.__slots__} for alarm in self.alarms
            ],
            "ignored": dict(self.ignored),
        }

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Local":
        """Read what `content` gave; raises `Unusable` if it lacks something or makes no sense."""
        try:
            made = cls(
                base=str(content["base"]),
                made=datetime.fromisoformat(content["made"]),
                effects={
                    tuple(map(str, row[:-2])): (float(row[-2]), float(row[-1])) for row in content["effects"]
                },
                lengths={str(name): float(value) for name, value in content["lengths"].items()},
                cells=tuple(Cell(**row) for row in content["cells"]),
                alarms=tuple(
                    Alarm(**{**row, "since": datetime.fromisoformat(row["since"])})
                    for row in content["alarms"]
                ),
                ignored={str(name): int(count) for name, count in content["ignored"].items()},
            )
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise Unusable(f"what was learnt from traffic lacks something ({error!r}).") from None
        numbers = [*made.lengths.values(), *(number for pair in made.effects.values() for number in pair)]
        if not all(map(math.isfinite, numbers)) or any(length <= 0 for length in made.lengths.values()):
            raise Unusable("what was learnt from traffic holds numbers that are none.")
        return made


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 5)
    return value.isoformat() if isinstance(value, datetime) else value
