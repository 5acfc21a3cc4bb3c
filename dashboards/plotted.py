"""A report's chart: the same numbers for a picture in a file and for the page."""

from collections.abc import Mapping
from typing import Any

from dashboards.render import key
from dashboards.tables import Cell, Table, Unit
from router.types import DOLLAR

WIDTH = 720
"""Of a picture, where a page would give as much room as it has."""


def chart_rows(table: Table) -> list[Mapping[str, Cell]]:
    """Rows as a chart reads them: dollars as plain numbers, and what is grouped by as `dimension`, too."""
    keys = [key(column) for column in table.columns]
    rows: list[Mapping[str, Cell]] = []
    for row in table.rows:
        cells = [_plain(cell, column.unit) for cell, column in zip(row, table.columns, strict=True)]
        first = "none" if cells and cells[0] is None else cells[0] if cells else None
        rows.append({"dimension": first, **dict(zip(keys, cells, strict=True))})
    return rows


def titled(chart: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """The chart by itself: with a title, and as wide as a picture."""
    width = WIDTH if chart.get("width") == "container" else chart.get("width", WIDTH)
    return {**chart, "width": width, "title": {"text": table.title, "subtitle": table.question}}


def _plain(cell: Cell, unit: Unit) -> Cell:
    return cell / DOLLAR if unit is Unit.PICODOLLARS and isinstance(cell, int) else cell
