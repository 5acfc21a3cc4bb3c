"""Sums over rows that are alike, so that reports need not read ten million of them.

The rows of `ledger` are numbered as they came. Now and then the drainer adds up those that are new, by the
day and by what reports group by, and writes the sums with how far it got (`rolled`), in one transaction.
A report takes the sums, and the few rows behind that mark. So they are never out of step, whoever is killed,
and a ledger that has none (it is old, was restored or made anew) gets them in the same way.
They hold nothing that the rows do not: where the mark does not fit the rows, they are made again.

`rolled/NAME.sql` says one kind of sums for each row by itself; its header names the columns that are added up
(`-- sum:`, `-- min:`, `-- max:`), and rows that agree in all others are alike.
It reads `calls`, the attempts, or `asked`, the requests (`asked.sql`).
Reports run the same SQL over the rows where there are no sums. Decision 0033 says why.
"""

import hashlib
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import duckdb
from duckdb import DuckDBPyConnection

from router.ledger.store import value
from router.ledger.troubles import damage_in

FOLDER = Path(__file__).with_name("rolled")

LABELS = ("model", "provider", "policy", "kind", "lane", "arm")
"""What sums are told apart by, beside the day: few enough that many rows are alike."""

COUNTED = "(len(tags) = 0 OR NOT coalesce(list_contains(tags, 'farthing-baseline'), false))"
"""What is in the sums: all but what `farthing demo` asks only to compare with."""

NEAREST = "exp(round(100 * ln(greatest(ms, 0.001))) / 100)"
"""A time to within half a percent, so that many are alike."""

BATCH = 131_072
"""So many new rows are added up; fewer are read by the reports themselves, which takes milliseconds."""

AT_ONCE = 262_144
"""Rows added up in one transaction at most: readers wait meanwhile."""

LONGEST = 10_000
"""Rows of one request, at most, that are surely added up together."""

EXACT = frozenset({"n", "priced", "cost", "at_most", "saving", "own_cost"})
"""Numbers of which a sum is the same in whichever order they are added."""

log = logging.getLogger("farthing.ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """One kind of sums: the SQL for a row by itself, and how its columns are added up."""

    name: str
    sql: str
    added: Mapping[str, str]

    @property
    def table(self) -> str:
        return f"rolled_{self.name}"

    @property
    def view(self) -> str:
        """What reports call them, wherever they come from."""
        return f"{self.name.removesuffix('s')}_sums"

    def of_each(self, *labels: str, exactly: bool = True) -> str:
        """Say it of each row, with more `labels`; times as they are if `exactly`, else to half a percent."""
        return self.sql.format(labels=", ".join((*LABELS, *labels)), ms="ms" if exactly else NEAREST)

    def together(self) -> str:
        """Say it of all rows that are alike, by the day."""
        sums = ", ".join(f"{how}({column}) AS {column}" for column, how in self.added.items())
        alike = f"* EXCLUDE (time, {', '.join(self.added)})"
        each = self.of_each(exactly=False)
        return (
            f"SELECT date_trunc('day', time)::TIMESTAMP AS time, {alike}, {sums} FROM ({each}) GROUP BY ALL"  # noqa: S608 - our own
        )


class _Mark(NamedTuple):
    """How far the sums go: the first row that is not in them, how many are before it, which is the last."""

    until: int
    rows: int
    last: str | None


def _load(name: str) -> Sums:
    sql = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    headers = re.findall(r"^-- (sum|min|max): (.*)$", sql, re.MULTILINE)
    return Sums(
        name=name,
        sql=sql,
        added=MappingProxyType(
            {column: how for how, columns in headers for column in re.findall(r"\w+", columns)}
        ),
    )


SUMS = tuple(map(_load, ("calls", "requests", "times", "checks")))

ASKED = (FOLDER / "asked.sql").read_text(encoding="utf-8")
SAVING = (FOLDER / "saving.sql").read_text(encoding="utf-8")

DEFINITION = hashlib.sha256(
    "".join((*(s.together() for s in SUMS), ASKED, SAVING, COUNTED)).encode()
).hexdigest()
"""Sums that were made by other SQL are made again."""


def over(calls: str, sql: str) -> str:
    """Let `sql` read the rows `calls` as `calls`, and their requests as `asked`."""
    asked = f"SELECT *, {SAVING} AS saving FROM ({ASKED})"  # noqa: S608 - our own
    return f"WITH calls AS NOT MATERIALIZED ({calls}), asked AS NOT MATERIALIZED ({asked}) {sql}"


def mark(connection: DuckDBPyConnection) -> int | None:
    """Return from which row on nothing is in the sums; `None` if there are none that fit the rows."""
    told = _told(connection)
    if told is None:
        return None
    found = _count_below(connection, told.until), _identity(connection, told.until - 1)
    return told.until if (told.rows, told.last) == found else None


def extend(connection: DuckDBPyConnection, *, doubting: bool = False) -> int:
    """Add up rows that are new, if they are many; return how many. Only for whoever may write.

    Whether the mark fits the rows is looked at when it is moved, or if `doubting`.
    """
    if not doubting and 0 <= _behind(connection) < BATCH:
        return 0
    begin = mark(connection) or 0
    newest = value(connection, "SELECT max(rowid) FROM ledger")
    end = 0 if newest is None else int(newest) + 1
    if end - begin < BATCH:
        return 0
    if end - begin > AT_ONCE:
        end = _after_a_request(connection, begin, begin + AT_ONCE)
    connection.begin()
    try:
        if begin == 0:
            _begin_anew(connection)
        rows = f"SELECT * FROM ledger WHERE rowid >= {begin} AND rowid < {end} AND {COUNTED}"  # noqa: S608
        for sums in SUMS:
            connection.execute(f"INSERT INTO {sums.table} BY NAME {over(rows, sums.together())}")
        connection.execute(
            "UPDATE rolled SET until = ?, rows = ?, last = ?",
            [end, _count_below(connection, end), _identity(connection, end - 1)],
        )
        connection.commit()
    except duckdb.Error:
        with suppress(duckdb.Error):
            connection.rollback()
        raise
    return end - begin


def keep_up(connection: DuckDBPyConnection, *, doubting: bool = False) -> int:
    """Add up what is new, and return how many rows; trouble with it must not keep rows from coming in."""
    try:
        return extend(connection, doubting=doubting)
    except duckdb.Error as error:
        if damage_in(error):
            raise
        log.warning("The sums beside the ledger are not kept up, and reports take longer: %s", error)
        return 0


def differences(connection: DuckDBPyConnection) -> list[str]:
    """Tell in what the sums differ from the rows they are of."""
    until = mark(connection)
    if until is None:
        return []
    rows = f"SELECT * FROM ledger WHERE rowid < {until} AND {COUNTED}"  # noqa: S608 - our own
    found = []
    for sums in SUMS:
        whole = [f"sum({column})" for column, how in sums.added.items() if how == "sum" and column in EXACT]
        told = f"SELECT {', '.join(whole)} FROM"
        here = connection.execute(f"{told} {sums.table}").fetchall()
        if here != connection.execute(over(rows, f"{told} ({sums.of_each()})")).fetchall():
            found.append(f"the sums in {sums.table} are not those of the rows")
    return found


def forget(connection: DuckDBPyConnection) -> None:
    """Have the sums made anew: rows are let go of, or get other numbers."""
    connection.execute("DROP TABLE IF EXISTS rolled")


def _begin_anew(connection: DuckDBPyConnection) -> None:
    """Empty the sums, and set the mark before the first row."""
    for sums in SUMS:
        nothing = over("SELECT * FROM ledger WHERE false", sums.together())
        connection.execute(f"CREATE OR REPLACE TABLE {sums.table} AS {nothing}")
    connection.execute(
        "CREATE OR REPLACE TABLE rolled AS "
        "SELECT 0::BIGINT AS until, 0::BIGINT AS rows, NULL::VARCHAR AS last, ?::VARCHAR AS definition",
        [DEFINITION],
    )


def _after_a_request(connection: DuckDBPyConnection, begin: int, end: int) -> int:
    """Cut behind a request's last row: its rows are added up together."""
    near = f"rowid >= {max(begin, end - LONGEST)} AND rowid < {end}"
    last = value(connection, f"SELECT max(rowid) FROM ledger WHERE final AND {near}")  # noqa: S608 - numbers
    return end if last is None else int(last) + 1


def _behind(connection: DuckDBPyConnection) -> int:
    """Return how many rows are not in the sums, as far as the mark tells; less than none if it is wrong."""
    count, told = int(value(connection, "SELECT count(*) FROM ledger")), _told(connection)
    return count if told is None else count - told.rows


def _told(connection: DuckDBPyConnection) -> _Mark | None:
    """Read the mark as it was written, if it is of sums that this SQL has made."""
    try:
        row = connection.execute(
            "SELECT until, rows, last FROM rolled WHERE definition = ?", [DEFINITION]
        ).fetchone()
    except duckdb.CatalogException:
        return None
    return None if row is None else _Mark(*row)


def _count_below(connection: DuckDBPyConnection, end: int) -> int:
    return int(value(connection, f"SELECT count(*) FROM ledger WHERE rowid < {end}"))  # noqa: S608 - a number


def _identity(connection: DuckDBPyConnection, row: int) -> str | None:
    found = value(connection, f"SELECT request_id || ' ' || attempt FROM ledger WHERE rowid = {row}")  # noqa: S608 - a number
    return None if found is None else str(found)
