"""Taking everything along: FOCUS for those who add up bills, Parquet for those who leave.

Nothing is rounded: an amount is a decimal with as many places as a picodollar has.
"""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from dashboards.periods import period
from dashboards.render import harmless
from dashboards.scope import Scope, prepared
from dashboards.tables import BadReport
from router.ledger.schema import TABLES
from router.ledger.store import Ledger, reading

FOCUS = Path(__file__).with_name("focus.sql")

MACROS = """
-- A product of decimals is exact, where a quotient would be a float.
CREATE TEMP MACRO dollars(picodollars) AS picodollars::DECIMAL(26, 0) * 0.000000000001::DECIMAL(12, 12);
CREATE TEMP MACRO stamp(time) AS strftime(time, '%Y-%m-%dT%H:%M:%SZ');
"""


def focus(
    data: Path,
    target: Path,
    *,
    since: str | None = None,
    until: str | None = None,
    now: datetime | None = None,
) -> int:
    """Write charges in the form of FOCUS 1.2, as CSV or Parquet by the target's name; return how many.

    Labels come from callers, so a spreadsheet is kept from computing them. Raises `BadReport`.
    """
    form = target.suffix.lower().removeprefix(".")
    if form not in {"csv", "parquet"}:
        raise BadReport(f"{target.name[:80]!r}: write a name ending in .csv or .parquet.")
    start, end = period(since, until, now or datetime.now(UTC))
    with prepared(data, Scope(since=start, until=end)) as connection, _spelt(target):
        connection.execute(MACROS)
        cursor = connection.execute(FOCUS.read_text(encoding="utf-8"))
        names = [described[0] for described in cursor.description or ()]
        types = [str(described[1]) for described in cursor.description or ()]
        rows = [
            [harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in cursor.fetchall()
        ]
    if form == "csv":
        with target.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            writer.writerows([_written(cell) for cell in row] for row in rows)
    else:
        _as_parquet(names, types, rows, target)
    return len(rows)


def ledger(data: Path, folder: Path) -> dict[str, int]:
    """Write every table of the ledger as Parquet, and what their columns are as `schema.json`.

    Returns how many rows each has. Raises `BadReport` if the folder is there already.
    """
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise BadReport(f"{folder} cannot be made: {error.strerror}.") from None
    counts: dict[str, int] = {}
    described: dict[str, Any] = {}
    with reading(Ledger(data)) as connection:
        for table in TABLES:
            counts[table] = _copied(connection, table, folder / f"{table}.parquet")
            rows = connection.execute(f"DESCRIBE {table}").fetchall()
            described[table] = [{"name": row[0], "type": row[1]} for row in rows]
    document = {
        "money": "whole picodollars (1e-12 US dollars)",
        "times": "UTC",
        "unknown": "NULL, never 0",
        "tables": described,
    }
    (folder / "schema.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return counts


def _shown(cell: Any) -> Any:
    return harmless(cell) if isinstance(cell, str) else cell


def _written(cell: Any) -> Any:
    """Decimals in full: a zero with twelve places would be `0E-12`."""
    return format(cell, "f") if isinstance(cell, Decimal) else cell


def _copied(connection: DuckDBPyConnection, table: str, path: Path) -> int:
    quoted = str(path.absolute()).replace("'", "''")
    row = connection.execute(f"COPY {table} TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)").fetchone()
    return int(row[0]) if row else 0


def _as_parquet(names: list[str], types: list[str], rows: list[list[Any]], target: Path) -> None:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(names, types, strict=True))
    with duckdb.connect() as connection, _spelt(target):
        connection.execute(f"CREATE TABLE charges ({columns})")
        with connection.appender("charges") as appender:
            appender.append_rows(rows)
        _copied(connection, "charges", target)


@contextmanager
def _spelt(target: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise BadReport(f"{target} cannot be written: {str(error).splitlines()[0]}") from error
