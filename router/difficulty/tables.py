"""What was measured, in one form for reading, for programs and for pictures."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


Cell: TypeAlias = str | int | float | Estimate | None
"""`None` is what could not be measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table: `rows` have a cell for each of `columns`; `notes` are what one must know to read it."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def as_text(section: Section) -> str:
    """Lay a section out for a terminal and for Markdown alike."""
    lines = [f"\n## {section.title}\n", *section.notes]
    if section.rows:
        lines += ["" for _ in section.notes[:1]]
        lines += [_line(section.columns), "|" + "---|" * len(section.columns)]
        lines += [_line([_shown(cell) for cell in row]) for row in section.rows]
    return "\n".join(lines)


def as_json(sections: Sequence[Section]) -> str:
    """Return an object with an entry a section: its notes, and its rows as objects."""
    return json.dumps(
        {
            section.name: {
                "title": section.title,
                "notes": list(section.notes),
                "rows": [
                    {name: _plain(cell) for name, cell in zip(section.columns, row, strict=True)}
                    for row in section.rows
                ],
            }
            for section in sections
        },
        indent=1,
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(cell: Cell) -> str:
    if isinstance(cell, Estimate):
        if math.isnan(cell.value):
            return "too few"
        return f"{cell.value:.3f} [{cell.low:.3f}, {cell.high:.3f}]"
    if isinstance(cell, float):
        return "too few" if math.isnan(cell) else f"{cell:.3f}"
    return "" if cell is None else f"{cell:,}" if isinstance(cell, int) else cell


def _plain(cell: Cell) -> Any:
    """JSON has no NaN: what could not be measured is null."""
    if isinstance(cell, Estimate):
        parts = {"value": cell.value, "low": cell.low, "high": cell.high}
        return None if math.isnan(cell.value) else {name: _plain(part) for name, part in parts.items()}
    if isinstance(cell, float):
        return None if math.isnan(cell) else round(cell, 6)
    return cell
