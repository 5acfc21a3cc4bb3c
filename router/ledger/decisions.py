"""Decisions that the ledger remembers, with what they were made of."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from duckdb import DuckDBPyConnection

AT_ONCE = 20_000

TIMES = ("time", "decided")


def requests(
    connection: DuckDBPyConnection,
    columns: Sequence[str],
    *,
    since: datetime | None = None,
    request_id: str | None = None,
    share: tuple[int, int] = (0, 1),
) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Give the rows of one request after another, the attempts to answer it in their order.

    `request_id` may be the caller's: every call of that id is given.
    `share` (k, n) gives every n-th request, beginning with the k-th.
    """
    wanted = ", ".join(f'"{name}"' for name in columns)
    where = ["purpose = 'answer'", "decided IS NOT NULL"]
    values: list[Any] = []
    if since is not None:
        where.append("time >= ?")
        values.append(since.astimezone(UTC).replace(tzinfo=None))
    if request_id is not None:
        where.append("(request_id = ? OR starts_with(request_id, ?))")
        values += [request_id, f"{request_id}~"]
    if share[1] > 1:
        where.append(f"hash(request_id) % {int(share[1])} = {int(share[0])}")
    query = f"SELECT {wanted} FROM ledger WHERE {' AND '.join(where)} ORDER BY request_id, attempt"  # noqa: S608 - columns are ours
    for _, rows in groupby(rows_of(connection, query, values, columns), key=itemgetter("request_id")):
        yield list(rows)


def rows_of(
    connection: DuckDBPyConnection, query: str, values: Sequence[Any], columns: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Give what a query finds row by row, with times that know their zone."""
    cursor = connection.execute(query, values)
    while rows := cursor.fetchmany(AT_ONCE):
        for values_of_row in rows:
            row = dict(zip(columns, values_of_row, strict=True))
            for name in TIMES:
                if row.get(name) is not None:
                    row[name] = row[name].replace(tzinfo=UTC)
            yield row


BESIDE = ("paid", "ended", "told")
"""What is given of a request beside its first row: its cost, how it ended, what its user thought of it."""

FIRSTS = """
    SELECT {columns}, whole.total_cost AS paid, whole.ended AS ended, told.score AS told
    FROM ledger AS first
    JOIN (SELECT request_id, total_cost, ended FROM ledger WHERE final) AS whole
    USING (request_id)
    LEFT JOIN (
        SELECT request_id,
            avg(coalesce(score, CASE verdict WHEN 'pass' THEN 1 WHEN 'fail' THEN 0 END)) AS score
        FROM outcomes GROUP BY request_id
    ) AS told USING (request_id)
    WHERE first.purpose = 'answer' AND first.attempt = 1 AND first.decided IS NOT NULL {more}
"""


def firsts(
    connection: DuckDBPyConnection,
    columns: Sequence[str],
    *,
    since: datetime | None = None,
    only: Sequence[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Give the first row of every request (or of those in `only`), and what came of it (`BESIDE`)."""
    query, values = _firsts(columns, since)
    if only is not None:
        query += " AND first.request_id IN (SELECT unnest(?))"
        values.append(list(only))
    return rows_of(connection, query, values, (*columns, *BESIDE))


def put_aside(
    connection: DuckDBPyConnection,
    columns: Sequence[str],
    between: tuple[int, int],
    *,
    since: datetime | None = None,
) -> None:
    """Make a temporary table `picked` of the same, with a `place` for each, from some of the ledger's rows.

    `between` are row ids, the second not included.
    """
    query, values = _firsts(columns, since)
    query += f" AND first.rowid >= {int(between[0])} AND first.rowid < {int(between[1])}"
    placed = f"SELECT *, row_number() OVER () - 1 AS place FROM ({query})"  # noqa: S608 - columns are ours
    connection.execute(f"CREATE OR REPLACE TEMP TABLE picked AS {placed}", values)


def _firsts(columns: Sequence[str], since: datetime | None) -> tuple[str, list[Any]]:
    wanted = ", ".join(f'first."{name}"' for name in columns)
    more, values = "", list[Any]()
    if since is not None:
        more, values = "AND first.time >= ?", [since.astimezone(UTC).replace(tzinfo=None)]
    return FIRSTS.format(columns=wanted, more=more), values
