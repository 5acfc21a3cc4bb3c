"""Where reports have their sums from: the rollups and the rows behind them, or all the rows.

`call_sums`, `request_sums`, `time_sums` and `check_sums` have the same columns and the same sums either way.
"""

from datetime import datetime, timedelta

from duckdb import DuckDBPyConnection

from router.ledger import rollups
from router.ledger.rollups import LABELS, SUMS, Sums

DIMENSIONS = frozenset({None, "day", "week", "month", *LABELS})
"""What sums can be grouped by."""

DAY = timedelta(days=1)


def mark(connection: DuckDBPyConnection) -> int | None:
    """Return from which row on there are no sums; `None` if the rows before it are not all in them."""
    until = rollups.mark(connection)
    if until is None or connection.execute("SELECT 1 FROM ledger WHERE attempts IS NULL LIMIT 1").fetchall():
        return None
    return until


def whole_days(since: datetime, until: datetime) -> tuple[datetime, datetime] | None:
    """Return the first and the last midnight of a period, if there is a whole day between."""
    if until - since < DAY:
        return None
    first = since if since == datetime.min else _midnight(since - timedelta(microseconds=1)) + DAY  # noqa: DTZ901 - in UTC, and naive as the ledger's are
    last = until if until == datetime.max else _midnight(until)  # noqa: DTZ901
    return (first, last) if first < last else None


def of_rows(*, exactly: bool) -> str:
    """Make the views over `entries` and `requests`, a row by itself each."""
    return "\n".join(
        f"CREATE TEMP VIEW {sums.view} AS "
        "WITH calls AS NOT MATERIALIZED (FROM entries), asked AS NOT MATERIALIZED (FROM requests) "
        f"FROM ({sums.of_each('dimension', exactly=exactly)});"
        for sums in SUMS
    )


def of_rollups(until: int, dimension: str) -> str:
    """Make the views over the rollups' whole days, and over the rows before, between and behind those.

    The variables `first` and `last` are those of `whole_days`.
    """
    fringe = " UNION ALL ".join(
        f"SELECT * FROM ledger WHERE time >= getvariable('since') AND time < getvariable('until') "  # noqa: S608 - our own
        f"AND {rollups.COUNTED} AND {part}"
        for part in (
            f"rowid >= {until}",
            f"rowid < {until} AND time < getvariable('first')",
            f"rowid < {until} AND time >= getvariable('last')",
        )
    )
    return f"CREATE TEMP VIEW fringe AS {fringe};\n" + "\n".join(_of_rollup(sums, dimension) for sums in SUMS)


def _of_rollup(sums: Sums, dimension: str) -> str:
    return (
        f"CREATE TEMP VIEW {sums.view} AS SELECT *, {dimension} AS dimension FROM ("  # noqa: S608 - our own
        f"SELECT * FROM {sums.table} WHERE time >= getvariable('first') AND time < getvariable('last') "
        f"UNION ALL BY NAME ({rollups.over('FROM fringe', sums.together())}));"
    )


def _midnight(time: datetime) -> datetime:
    return time.replace(hour=0, minute=0, second=0, microsecond=0)
