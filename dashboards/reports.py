"""Reports: each is one file of SQL under `reports/`, found there by its name.

A file opens with what it is: `-- title:`, `-- question:`, and if need be `-- by:` (the dimension it is
grouped by unless told otherwise) and `-- layout: card` (one row, shown as a list).
It reads the views of `views.sql`, never the table: so that no report counts what should not be counted.
A column's name ends in its unit: `_picodollars`, `_ms`, or `_share` (of 1).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import duckdb
from duckdb import DuckDBPyConnection

from router.errors import FarthingError
from router.ledger.store import Ledger, reading

FOLDER = Path(__file__).with_name("reports")
VIEWS = Path(__file__).with_name("views.sql")

DIMENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "model": "model",
        "provider": "provider",
        "day": "strftime(time, '%Y-%m-%d')",
        "week": "strftime(time, '%G-W%V')",
        "month": "strftime(time, '%Y-%m')",
        "key": "key",
        "team": "team",
        "user": '"user"',
        "tag": "unnest(CASE WHEN len(tags) = 0 THEN [NULL] ELSE tags END)",
        "policy": "policy",
        "session": "session",
        "run": "run",
    }
)
"""What a report can be grouped by, and how SQL says it."""

CHRONOLOGICAL = frozenset({"day", "week", "month"})

UNITS: Mapping[str, str] = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

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
class Report:
    """One file of SQL and what its header says."""

    name: str
    title: str
    question: str
    sql: str
    by: str | None = None
    layout: str = "table"


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


def available(folder: Path = FOLDER) -> tuple[Report, ...]:
    return tuple(load(path) for path in sorted(folder.glob("*.sql")))


def load(path: Path) -> Report:
    """Read one report; raises `BadReport` where its header is wrong."""
    sql = path.read_text(encoding="utf-8")
    header = dict(re.findall(r"^-- (title|question|by|layout): *(.+?) *$", sql, re.MULTILINE))
    missing = [key for key in ("title", "question") if key not in header]
    if missing:
        raise BadReport(f"{path.name} has no line `-- {missing[0]}: ...`.")
    report = Report(name=path.stem, sql=sql, **header)
    if report.by is not None:
        _check_dimension(report.by)
    return report


def run(
    data: Path,
    name: str,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    by: str | None = None,
    comparison: bool = False,
    now: datetime | None = None,
    folder: Path = FOLDER,
) -> Table:
    """Run the report called `name` on the ledger in `data`; a ledger that is not there yet is an empty one.

    `since` (included) and `until` (not) are instants or what `instant` reads; `by` is one of `DIMENSIONS`.
    `comparison` counts what `farthing demo` asked only to compare with, too.
    Raises `BadReport`, or what `router.ledger.store.reading` raises.
    """
    report = _named(name, folder)
    if by is not None and report.by is None:
        raise BadReport(f"The report {name!r} is not grouped by anything; leave out `by`.")
    dimension = by or report.by
    if dimension is not None:
        _check_dimension(dimension)
    now = now or datetime.now(UTC)
    start, end = instant(since, now), instant(until, now)
    if start is not None and end is not None and start >= end:
        raise BadReport("The period is empty: `since` is not before `until`.")
    variables = {
        "since": _naive(start or datetime.min.replace(tzinfo=UTC)),
        "until": _naive(end or datetime.max.replace(tzinfo=UTC)),
        "comparison": comparison,
        "chronological": dimension in CHRONOLOGICAL,
    }
    with reading(Ledger(data)) as connection:
        _prepare(connection, variables, dimension)
        columns, rows = _rows(connection, report)
    return Table(
        title=f"{report.title} by {dimension}" if dimension else report.title,
        question=report.question,
        columns=tuple(_column(column, dimension) for column in columns),
        rows=rows,
        since=start,
        until=end,
        card=report.layout == "card",
    )


def instant(value: datetime | str | None, now: datetime) -> datetime | None:
    """Read `7d`, `12h`, `30m` or `2w` before `now`, or an ISO date or time (in UTC unless it says otherwise).

    Raises `BadReport` for anything else.
    """
    if value is None:
        return None
    try:
        time = _read(value.strip(), now) if isinstance(value, str) else value
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        text = str(value)[:40]
        raise BadReport(f"{text!r} is no time: write 12h, 7d, 2026-11-01 or 2026-11-01T08:30.") from None


def _read(text: str, now: datetime) -> datetime:
    ago = re.fullmatch(r"([0-9]{1,6})([mhdw])", text)
    return now - timedelta(**{UNITS[ago[2]]: int(ago[1])}) if ago else datetime.fromisoformat(text)


def _named(name: str, folder: Path) -> Report:
    paths = {path.stem: path for path in folder.glob("*.sql")}
    if name not in paths:
        raise BadReport(f"There is no report {name[:40]!r}; there is {', '.join(sorted(paths))}.")
    return load(paths[name])


def _check_dimension(name: str) -> None:
    if name not in DIMENSIONS:
        raise BadReport(f"{name[:40]!r} is nothing to group by; there is {', '.join(DIMENSIONS)}.")


def _prepare(connection: DuckDBPyConnection, variables: Mapping[str, object], dimension: str | None) -> None:
    for name, value in variables.items():
        connection.execute(f"SET VARIABLE {name} = ?", [value])
    expression = DIMENSIONS[dimension] if dimension is not None else "NULL"
    connection.execute(VIEWS.read_text(encoding="utf-8").replace("{dimension}", expression))


def _rows(connection: DuckDBPyConnection, report: Report) -> tuple[list[str], tuple[tuple[Cell, ...], ...]]:
    try:
        cursor = connection.execute(report.sql)
        columns = [column[0] for column in cursor.description or ()]
        return columns, tuple(tuple(_cell(value) for value in row) for row in cursor.fetchall())
    except duckdb.Error as error:
        raise BadReport(f"The report {report.name!r} fails: {error}") from error


def _cell(value: Any) -> Cell:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - not a number, as DuckDB has it for 0 / 0
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)


def _column(name: str, dimension: str | None) -> Column:
    if name == "dimension" and dimension is not None:
        return Column(name=dimension)
    stem, _, suffix = name.rpartition("_")
    if stem and suffix in {unit.value for unit in Unit}:
        return Column(name=stem, unit=Unit(suffix))
    return Column(name=name)


def _naive(time: datetime) -> datetime:
    return time.replace(tzinfo=None)
