"""What of the ledger is looked at, and the ledger opened so that its views show just that (`views.sql`)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import duckdb
from duckdb import DuckDBPyConnection

from dashboards import filters, summed
from router.ledger import rollups
from router.ledger.schema import TABLES
from router.ledger.store import Ledger, reading, value

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
    rows = value(connection, f"SELECT count(*) FROM {_complete(connection, 'ledger')}")  # noqa: S608 - our own
    return int(rows) >= rollups.BATCH


def _one_in(connection: DuckDBPyConnection) -> int:
    """Return of how many sessions a report may look at one."""
    rows = value(
        connection,
        f"SELECT count(*) FROM {_complete(connection, 'ledger')} "  # noqa: S608 - our own
        "WHERE time >= getvariable('since') AND time < getvariable('until')",
    )
    return max(1, int(rows) // SAMPLE)


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


def _naive(time: datetime) -> datetime:
    return time.replace(tzinfo=None)
