"""What a report gives back: named columns with units, and rows of plain values."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from router.errors import FarthingError

Cell: TypeAlias = str | int | float | bool | None


class BadReport(FarthingError):
    """There is no such report, or it cannot be asked for like that."""


class Unit(StrEnum):
    """What a column's numbers count; money is a whole number of picodollars."""

    NONE = ""
    PICODOLLARS = "picodollars"
    MILLISECONDS = "ms"
    SHARE = "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its name without its unit, and the unit."""

    name: str
    unit: Unit = Unit.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a report found; `card` is a single row to be shown as a list."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    question: str = ""
    since: datetime | None = None
    until: datetime | None = None
    card: bool = False


def cell(value: Any) -> Cell:
    """Make a plain value of what DuckDB gave; what is not a number is unknown, and other types are text."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - not a number, as DuckDB has it for 0 / 0
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)


def column(name: str, dimension: str | None = None) -> Column:
    """Read a column's unit from its name; the column `dimension` takes the name of what is grouped by."""
    if name == "dimension" and dimension is not None:
        return Column(name=dimension)
    stem, _, suffix = name.rpartition("_")
    if stem and suffix in {unit.value for unit in Unit}:
        return Column(name=stem, unit=Unit(suffix))
    return Column(name=name)
