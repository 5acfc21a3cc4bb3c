"""Reports: each is one file of SQL under `reports/`, found there by its name.

A file opens with what it is: `-- title:`, `-- question:`, and if need be `-- by:` (the dimension it is
grouped by unless told otherwise) and `-- layout: card` (one row, shown as a list).
It reads the views of `views.sql`, never the table: so that no report counts what should not be counted.
A column's name ends in its unit: `_picodollars`, `_ms`, or `_share` (of 1).
Beside `NAME.sql` may lie `NAME.vl.json`, the Vega-Lite specification of its chart.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from dashboards import filters, summed
from dashboards.periods import period
from dashboards.tables import BadReport, Cell, Table, cell, column
from router.ledger import rollups
from router.ledger.schema import TABLES
from router.ledger.store import Ledger, reading

FOLDER = Path(__file__).with_name("reports")
VIEWS = Path(__file__).with_name("views.sql")
SETTLED = Path(__file__).with_name("settled.sql")

AS_BOOKED = "CREATE TEMP VIEW booked AS SELECT * FROM {ledger};"
"""The attempts while no provider's record says otherwise: even joining with nothing takes time."""

DIMENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "model": "model",
        "provider": "provider",
        "hour": "strftime(time, '%Y-%m-%d %H:00')",
        "day": "time::DATE",
        "week": "strftime(time, '%G-W%V')",
        "month": "strftime(time, '%Y-%m')",
        "key": "key",
        "team": "team",
        "user": '"user"',
        "tag": "unnest(CASE WHEN len(tags) = 0 THEN [NULL] ELSE tags END)",
        "policy": "policy",
        "session": "session",
        "run": "run",
        "kind": "kind",
        "lane": "lane",
        "arm": "arm",
    }
)
"""What a report can be grouped by, and how SQL says it."""

CHRONOLOGICAL = frozenset({"hour", "day", "week", "month"})

MEMORY = "640MiB"
"""What DuckDB may take for a report; beyond it, it writes to a temporary file."""

SAMPLE = 100_000
"""So many rows are enough where sessions have to be followed call by call."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What of the ledger is looked at: a period, conditions, and what is grouped by."""

    since: datetime | None = None
    until: datetime | None = None
    where: filters.Filter = filters.EVERYTHING
    dimension: str | None = None
    comparison: bool = False

    @property
    def variables(self) -> Mapping[str, object]:
        since, until = self._ends
        first, last = summed.whole_days(since, until) or (since, since)
        return {
            "since": since,
            "until": until,
            "first": first,
            "last": last,
            "comparison": self.comparison,
            "chronological": self.dimension in CHRONOLOGICAL,
            **self.where.variables,
        }

    @property
    def is_summed(self) -> bool:
        """Whether the sums beside the ledger tell all that is looked at."""
        return (
            self.where == filters.EVERYTHING
            and not self.comparison
            and self.dimension in summed.DIMENSIONS
            and summed.whole_days(*self._ends) is not None
        )

    @property
    def _ends(self) -> tuple[datetime, datetime]:
        return (
            _naive(self.since or datetime.min.replace(tzinfo=UTC)),
            _naive(self.until or datetime.max.replace(tzinfo=UTC)),
        )


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


@contextmanager
def prepared(data: Path, scope: Scope) -> Iterator[DuckDBPyConnection]:
    """Open the ledger with the views of `views.sql` over it, and every other door shut."""
    with reading(Ledger(data)) as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute("SET preserve_insertion_order = false")
        # A report that somebody sent reads the ledger, and neither files nor the network.
        connection.execute("SET enable_external_access = false")
        for name, value in scope.variables.items():
            connection.execute(f"SET VARIABLE {name} = ?", [value])
        connection.execute("SET VARIABLE one_in = ?", [_one_in(connection)])
        connection.execute(_views(connection, scope))
        connection.execute("SET lock_configuration = true")
        yield connection


def _views(connection: DuckDBPyConnection, scope: Scope) -> str:
    settled = _any_settled(connection)
    dimension = DIMENSIONS[scope.dimension] if scope.dimension is not None else "NULL"
    mark = summed.mark(connection) if scope.is_summed and not settled else None
    parts = {
        "sums": summed.of_rows(exactly=not _is_large(connection))
        if mark is None
        else summed.of_rollups(mark, dimension),
        "asked": rollups.ASKED,
        "saving": rollups.SAVING,
        "counted": rollups.COUNTED,
        "where": scope.where.sql,
        "dimension": dimension,
        **{table: _complete(connection, table) for table in TABLES},
    }
    views = (SETTLED.read_text(encoding="utf-8") if settled else AS_BOOKED) + VIEWS.read_text(
        encoding="utf-8"
    )
    for name, part in parts.items():
        views = views.replace(f"{{{name}}}", part)
    return views


def _is_large(connection: DuckDBPyConnection) -> bool:
    return _one(connection, f"SELECT count(*) FROM {_complete(connection, 'ledger')}") >= rollups.BATCH  # noqa: S608 - our own


def _one_in(connection: DuckDBPyConnection) -> int:
    """Return of how many sessions a report may look at one."""
    rows = _one(
        connection,
        f"SELECT count(*) FROM {_complete(connection, 'ledger')} "  # noqa: S608 - our own
        "WHERE time >= getvariable('since') AND time < getvariable('until')",
    )
    return max(1, rows // SAMPLE)


def _one(connection: DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _any_settled(connection: DuckDBPyConnection) -> bool:
    try:
        return bool(connection.execute("SELECT 1 FROM settlements LIMIT 1").fetchall())
    except duckdb.CatalogException:
        return False


def _complete(connection: DuckDBPyConnection, table: str) -> str:
    """Say a table with all its columns, also if an older Farthing wrote the ledger and they are missing."""
    rows = connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND NOT internal", [table]
    ).fetchall()
    present = {name for (name,) in rows}
    missing = [f"NULL::{c.type} AS {c.quoted}" for c in TABLES[table] if c.name not in present]
    if not present:
        return f"(SELECT {', '.join(missing)} WHERE false)"
    # Our own names, every one.
    return f"(SELECT *, {', '.join(missing)} FROM {table})" if missing else table  # noqa: S608


def _rows(connection: DuckDBPyConnection, report: Report) -> tuple[list[str], tuple[tuple[Cell, ...], ...]]:
    try:
        cursor = connection.execute(report.sql)
        columns = [described[0] for described in cursor.description or ()]
        return columns, tuple(tuple(cell(value) for value in row) for row in cursor.fetchall())
    except duckdb.Error as error:
        raise BadReport(f"The report {report.name!r} fails: {error}") from error


def _naive(time: datetime) -> datetime:
    return time.replace(tzinfo=None)
