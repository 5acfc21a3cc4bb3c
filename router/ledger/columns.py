"""First decisions by column: what a million of them were made of, without a Python object for each value.

A part of the ledger is put aside in a temporary table of the connection, and read from there by column;
mappings are taken apart into arrays of numbers.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from router.ledger.decisions import BESIDE, put_aside, rows_of

AT_ONCE = 262_144
"""Rows of the ledger that are looked at together, at most."""

SEPARATOR = "\x1f"

Doubles = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mappings:
    """A column of mappings from names to numbers: which of some `keys` each row has (n), and its `values`.

    `known` are the names that any of them has.

    `values` (n, widest) are in the order of the row's keys, and NaN behind them.
    """

    keys: Sequence[tuple[str, ...]]
    which: Places
    values: Doubles
    known: frozenset[str]

    def at(self, places: Places) -> "Mappings":
        """Give those of some rows."""
        return replace(self, which=self.which[places], values=self.values[places])

    def of(self, names: Sequence[str]) -> Doubles:
        """Give the numbers (n, names) of these names; NaN where a row has none."""
        found = np.full((len(self.which), len(names)), np.nan)
        if self.known.isdisjoint(names):
            return found
        for number in np.flatnonzero(np.bincount(self.which)).tolist():
            keys = self.keys[number]
            both = [(keys.index(name), place) for place, name in enumerate(names) if name in keys]
            rows = np.flatnonzero(self.which == number)
            if both and len(rows):
                source, target = (list(places) for places in zip(*both, strict=True))
                found[np.ix_(rows, target)] = self.values[np.ix_(rows, source)]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the ledger's first decisions: `columns` by name (n), NaN for a number that nobody knows."""

    connection: DuckDBPyConnection
    columns: Mapping[str, NDArray[Any]]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.columns["request_id"])

    def mappings(self, column: str) -> Mappings:
        """Take a column of mappings apart."""
        joined = self.connection.execute(
            f"SELECT array_to_string(map_keys({column}), chr(31)) AS keys FROM picked ORDER BY place"  # noqa: S608
        ).fetchnumpy()["keys"]
        numbers: dict[str, int] = {}
        which = np.array([numbers.setdefault(each or "", len(numbers)) for each in _plain(joined)], np.int64)
        flat = self.connection.execute(
            f"SELECT place, unnest(range(cardinality({column})::BIGINT)) AS at,"  # noqa: S608
            f" unnest(map_values({column})) AS value FROM picked"
        ).fetchnumpy()
        values = np.full((len(which), int(flat["at"].max(initial=-1)) + 1), np.nan)
        values[_plain(flat["place"]), _plain(flat["at"])] = np.ma.filled(flat["value"], np.nan)
        keys = [tuple(each.split(SEPARATOR)) if each else () for each in numbers]
        return Mappings(keys=keys, which=which, values=values, known=frozenset().union(*keys))

    def rows(self, places: Sequence[int]) -> Iterator[dict[str, Any]]:
        """Give some rows as `firsts` does."""
        wanted = ", ".join(f'"{name}"' for name in self.names)
        query = f"SELECT {wanted} FROM picked WHERE place IN (SELECT unnest(?)) ORDER BY place"  # noqa: S608
        return rows_of(self.connection, query, [list(places)], self.names)


def parts(
    connection: DuckDBPyConnection,
    columns: Sequence[str],
    numbers: Sequence[str],
    texts: Sequence[str],
    times: Sequence[str],
    *,
    since: datetime | None = None,
    share: tuple[int, int] = (0, 1),
) -> Iterator[Part]:
    """Give the first rows of all requests, part by part; `share` (k, n) is every n-th part from the k-th on.

    `numbers`, `texts` and `times` name what is to be had by column.
    A part is there until the next one is asked for.
    """
    names = (*columns, *BESIDE)
    last = connection.execute("SELECT max(rowid) FROM ledger").fetchone()
    end = -1 if last is None or last[0] is None else int(last[0])
    plain = [f'"{name}"::DOUBLE AS "{name}"' for name in numbers]
    plain += [f'"{name}"::VARCHAR AS "{name}"' for name in texts]
    plain += [f'"{name}"' for name in times]
    query = f"SELECT {', '.join(plain)} FROM picked ORDER BY place"  # noqa: S608 - columns are ours
    for begin, until in _cut(end + 1, share):
        put_aside(connection, columns, (begin, until), since=since)
        found = connection.execute(query).fetchnumpy()
        read = {name: np.asarray(np.ma.filled(found[name], np.nan), float) for name in numbers}
        read |= {name: _plain(found[name]) for name in (*texts, *times)}
        if len(read["request_id"]):
            yield Part(connection=connection, columns=read, names=names)
    connection.execute("DROP TABLE IF EXISTS picked")


def _cut(count: int, share: tuple[int, int]) -> list[tuple[int, int]]:
    """Cut so many rows into parts of one size, as many for each of those who share them."""
    mine, of = share
    size = max(1, math.ceil(count / (of * max(1, math.ceil(count / (of * AT_ONCE))))))
    return [(begin, begin + size) for begin in range(mine * size, count, of * size)]


def _plain(column: NDArray[Any]) -> NDArray[Any]:
    """Undo the mask of a column; a text that is not there is `None`."""
    if not isinstance(column, np.ma.MaskedArray):
        return column
    plain = np.array(column.data)
    if plain.dtype == object:
        plain[np.ma.getmaskarray(column)] = None
    return plain
