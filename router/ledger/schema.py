"""The columns of the ledger, derived from `LedgerEntry` and nowhere else, and how an older ledger catches up.

`ledger` has no primary key and no index: DuckDB's known troubles with its log are all about indexes,
and duplicates are kept out by `drained`, the names of the segments that are in already.
A new field of `LedgerEntry` comes last and may be empty: the drainer adds its column.
Anything else is a statement in `MIGRATIONS`.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, get_type_hints

from duckdb import DuckDBPyConnection

from router.entry import LedgerEntry
from router.errors import FarthingError

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
    """One field of `LedgerEntry` in SQL; `required` is never NULL."""

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


_HINTS: Mapping[str, Any] = MappingProxyType(get_type_hints(LedgerEntry))

COLUMNS: tuple[Column, ...] = tuple(_column(field, _HINTS[field.name]) for field in fields(LedgerEntry))


def create(connection: DuckDBPyConnection) -> None:
    """Make the empty tables in the connection's own database."""
    columns = ", ".join(column.definition for column in COLUMNS)
    connection.execute(f"CREATE TABLE ledger ({columns})")
    connection.execute("CREATE TABLE drained (segment VARCHAR NOT NULL, time TIMESTAMP NOT NULL)")
    connection.execute(f"CREATE TABLE schema_version AS SELECT {VERSION} AS version")


def upgrade(connection: DuckDBPyConnection) -> None:
    """Bring an older ledger up to this version; raises `NewerLedger` for one that is ahead."""
    version = version_of(connection)
    if version > VERSION:
        raise NewerLedger(
            f"The ledger has version {version}; this Farthing knows {VERSION} and before: upgrade it."
        )
    present = _present(connection)
    missing = [column for column in COLUMNS if column.name not in present]
    if version == VERSION and not missing:
        return
    connection.begin()
    for statement in MIGRATIONS[version - 1 :]:
        connection.execute(statement)
    for column in missing:
        connection.execute(f"ALTER TABLE ledger ADD COLUMN IF NOT EXISTS {column.quoted} {column.type}")
    connection.execute("UPDATE schema_version SET version = ?", [VERSION])
    connection.commit()


def version_of(connection: DuckDBPyConnection) -> int:
    row = connection.execute("SELECT version FROM schema_version").fetchone()
    assert row is not None
    return int(row[0])


def _present(connection: DuckDBPyConnection) -> set[str]:
    description = connection.execute("SELECT * FROM ledger LIMIT 0").description
    return {column[0] for column in description or ()}
