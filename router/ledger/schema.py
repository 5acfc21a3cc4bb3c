"""The tables of the ledger, derived from the records and nowhere else, and how an older ledger catches up.

A kind of record (`kinds.py`) is a table: `ledger` holds the attempts.
None has a primary key or an index: DuckDB's known troubles with its log are all about indexes,
and duplicates are kept out by `drained`, the names of the segments that are in already.
A new field of a record comes last and may be empty: the drainer adds its column, and the table of a new kind.
Anything else is a statement in `MIGRATIONS`.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, get_type_hints

from duckdb import DuckDBPyConnection

from router.errors import FarthingError
from router.ledger.kinds import ATTEMPTS, KINDS, Kind

SQL_TYPES: Mapping[Any, str] = MappingProxyType(
    {
        datetime: "TIMESTAMP",  # in UTC; a zone-aware one depends on the session that reads it
        str: "VARCHAR",
        int: "BIGINT",
        bool: "BOOLEAN",
        float: "DOUBLE",
        tuple[str, ...]: "VARCHAR[]",
        tuple[float, ...]: "FLOAT[]",
        Mapping[str, float]: "MAP(VARCHAR, DOUBLE)",
        Mapping[str, int]: "MAP(VARCHAR, BIGINT)",
        Mapping[str, str]: "MAP(VARCHAR, VARCHAR)",
    }
)

MIGRATIONS: tuple[str, ...] = ()
"""Statement n takes a ledger of version n + 1 to version n + 2."""

VERSION = len(MIGRATIONS) + 1


class NewerLedger(FarthingError):
    """The ledger was written by a newer Farthing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One field of a record in SQL; `required` is never NULL."""

    name: str
    type: str
    required: bool

    @property
    def quoted(self) -> str:
        return f'"{self.name}"'

    @property
    def definition(self) -> str:
        return f"{self.quoted} {self.type}{' NOT NULL' if self.required else ''}"

    @property
    def read_as(self) -> str:
        """The type a line's JSON is read as: an instant with its offset, which is dropped otherwise."""
        return "TIMESTAMPTZ" if self.type == "TIMESTAMP" else self.type

    @property
    def ingested(self) -> str:
        """The expression that turns what was read into what is stored, whatever the session's time zone."""
        if self.type == "TIMESTAMP":
            return f"make_timestamp(epoch_us({self.quoted})) AS {self.quoted}"
        return self.quoted


def _column(field: Field[Any], hint: Any) -> Column:
    optional = type(None) in getattr(hint, "__args__", ())
    known = next(arg for arg in hint.__args__ if arg is not type(None)) if optional else hint
    defaulted = field.default is not MISSING or field.default_factory is not MISSING
    return Column(name=field.name, type=SQL_TYPES[known], required=not (optional or defaulted))


def _columns(kind: Kind) -> tuple[Column, ...]:
    hints = get_type_hints(kind.record)
    return tuple(_column(field, hints[field.name]) for field in fields(kind.record))


TABLES: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {table: _columns(kind) for table, kind in KINDS.items()}
)

COLUMNS = TABLES[ATTEMPTS.table]

_NAMES: Mapping[str, frozenset[str]] = MappingProxyType(
    {table: frozenset(column.name for column in columns) for table, columns in TABLES.items()}
)


def create(connection: DuckDBPyConnection) -> None:
    """Make the empty tables in the connection's own database."""
    for table in TABLES:
        _create(connection, table)
    connection.execute("CREATE TABLE drained (segment VARCHAR NOT NULL, time TIMESTAMP NOT NULL)")
    connection.execute(f"CREATE TABLE schema_version AS SELECT {VERSION} AS version")


def _create(connection: DuckDBPyConnection, table: str) -> None:
    columns = ", ".join(column.definition for column in TABLES[table])
    connection.execute(f"CREATE TABLE {table} ({columns})")


def upgrade(connection: DuckDBPyConnection) -> None:
    """Bring an older ledger up to this version; raises `NewerLedger` for one that is ahead."""
    version = version_of(connection)
    if version > VERSION:
        raise NewerLedger(
            f"The ledger has version {version}; this Farthing knows {VERSION} and before: upgrade it."
        )
    present = _present(connection)
    if version == VERSION and all(names <= present.get(table, set()) for table, names in _NAMES.items()):
        return
    connection.begin()
    for statement in MIGRATIONS[version - 1 :]:
        connection.execute(statement)
    for table in TABLES.keys() - present.keys():
        _create(connection, table)
    for table, names in present.items():
        for column in TABLES.get(table, ()):
            if column.name not in names:
                connection.execute(
                    f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column.quoted} {column.type}"
                )
    connection.execute("UPDATE schema_version SET version = ?", [VERSION])
    connection.commit()


def version_of(connection: DuckDBPyConnection) -> int:
    row = connection.execute("SELECT version FROM schema_version").fetchone()
    assert row is not None
    return int(row[0])


def _present(connection: DuckDBPyConnection) -> dict[str, set[str]]:
    """Name the columns of each table that is there."""
    rows = connection.execute(
        "SELECT table_name, list(column_name) FROM duckdb_columns() "
        "WHERE database_name = current_database() AND NOT internal GROUP BY table_name"
    ).fetchall()
    return {table: set(names) for table, names in rows}
