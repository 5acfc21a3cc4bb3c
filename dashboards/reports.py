"""Reports: each is one file of SQL under `reports/`, found there by its name.

A file opens with what it is: `-- title:`, `-- question:`, and if need be `-- by:` (the dimension it is
grouped by unless told otherwise) and `-- layout: card` (one row, shown as a list).
It reads the views of `views.sql`, never the table: so that no report counts what should not be counted.
A column's name ends in its unit: `_picodollars`, `_ms`, or `_share` (of 1).
Beside `NAME.sql` may lie `NAME.vl.json`, the Vega-Lite specification of its chart.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from dashboards import filters
from dashboards.periods import period
from dashboards.scope import DIMENSIONS, Scope, prepared
from dashboards.tables import BadReport, Cell, Table, cell, column

FOLDER = Path(__file__).with_name("reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One file of SQL and what its header says; `chart` is its Vega-Lite specification."""

    name: str
    title: str
    question: str
    sql: str
    by: str | None = None
    layout: str = "table"
    chart: Mapping[str, Any] | None = None


def available(folder: Path | None = None) -> tuple[Report, ...]:
    """Give the built-in reports and those of one's own folder, which win over a built-in's name."""
    return tuple(load(path) for _, path in sorted(_paths(folder).items()))


def named(name: str, folder: Path | None = None) -> Report:
    """Find a report; raises `BadReport`."""
    paths = _paths(folder)
    if name not in paths:
        raise BadReport(f"There is no report {name[:40]!r}; there is {', '.join(sorted(paths))}.")
    return load(paths[name])


def load(path: Path) -> Report:
    """Read one report; raises `BadReport` where its header or its chart is wrong."""
    sql = path.read_text(encoding="utf-8")
    header = dict(re.findall(r"^-- (title|question|by|layout): *(.+?) *$", sql, re.MULTILINE))
    missing = [key for key in ("title", "question") if key not in header]
    if missing:
        raise BadReport(f"{path.name} has no line `-- {missing[0]}: ...`.")
    report = Report(name=path.stem, sql=sql, chart=_chart(path.with_suffix(".vl.json")), **header)
    if report.by is not None:
        _check_dimension(report.by)
    return report


def run(  # noqa: PLR0913 - a report is asked for by name
    data: Path,
    name: str,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    by: str | None = None,
    where: Sequence[str] = (),
    comparison: bool = False,
    now: datetime | None = None,
    folder: Path | None = None,
) -> Table:
    """Run the report called `name` on the ledger in `data`; a ledger that is not there yet is an empty one.

    `since` (included) and `until` (not) are instants or what `periods.instant` reads;
    `by` is one of `DIMENSIONS`.
    `where` are conditions as `filters` reads them; `folder` holds reports of one's own.
    `comparison` counts what `farthing demo` asked only to compare with, too.
    Raises `BadReport`, or what `router.ledger.store.reading` raises.
    """
    report = named(name, folder)
    if by is not None and report.by is None:
        raise BadReport(f"The report {name!r} is not grouped by anything; leave out `by`.")
    dimension = by or report.by
    if dimension is not None:
        _check_dimension(dimension)
    start, end = period(since, until, now or datetime.now(UTC))
    scope = Scope(
        since=start, until=end, where=filters.read(where), dimension=dimension, comparison=comparison
    )
    with prepared(data, scope) as connection:
        columns, rows = _rows(connection, report)
    return Table(
        title=f"{report.title} by {dimension}" if dimension else report.title,
        question=report.question,
        columns=tuple(column(name, dimension) for name in columns),
        rows=rows,
        since=start,
        until=end,
        card=report.layout == "card",
    )


def _paths(folder: Path | None) -> dict[str, Path]:
    if folder is not None and not folder.is_dir():
        raise BadReport(f"There is no folder {folder} with reports.")
    return {path.stem: path for place in (FOLDER, folder) if place for path in place.glob("*.sql")}


def _chart(path: Path) -> Mapping[str, Any] | None:
    if not path.exists():
        return None
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadReport(f"{path.name} is no JSON: {error}.") from None
    if not isinstance(spec, dict):
        raise BadReport(f"{path.name} is no chart: it must be an object.")
    return spec


def _check_dimension(name: str) -> None:
    if name not in DIMENSIONS:
        raise BadReport(f"{name[:40]!r} is nothing to group by; there is {', '.join(DIMENSIONS)}.")


def _rows(connection: DuckDBPyConnection, report: Report) -> tuple[list[str], tuple[tuple[Cell, ...], ...]]:
    try:
        cursor = connection.execute(report.sql)
        columns = [described[0] for described in cursor.description or ()]
        return columns, tuple(tuple(cell(value) for value in row) for row in cursor.fetchall())
    except duckdb.Error as error:
        raise BadReport(f"The report {report.name!r} fails: {error}") from error
