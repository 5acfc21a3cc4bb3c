"""Tables of the ledger as Parquet files, and back: what backups, packs and bases are made of."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from duckdb import DuckDBPyConnection

from router import files
from router.errors import FarthingError
from router.ledger import schema
from router.ledger.kinds import KINDS

MANIFEST = "manifest.json"


class BadBackup(FarthingError):
    """The backup is not whole, or its place is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one table holds: rows, and a sum over the hashes of them all, whatever their order."""

    rows: int
    checksum: str

    def __add__(self, other: "Content") -> "Content":
        return Content(rows=self.rows + other.rows, checksum=str(int(self.checksum) + int(other.checksum)))


NOTHING = Content(rows=0, checksum="0")


def content(connection: DuckDBPyConnection, table: str, source: str | None = None) -> Content:
    """Read all of a table, or of a `source` in SQL with its columns."""
    columns = ", ".join(column.quoted for column in schema.TABLES[table])
    row = connection.execute(
        f"SELECT count(*), CAST(coalesce(sum(hash({columns})), 0) AS VARCHAR) FROM {source or table}"  # noqa: S608
    ).fetchone()
    assert row is not None
    return Content(rows=row[0], checksum=row[1])


def export(connection: DuckDBPyConnection, folder: Path, **more: Any) -> dict[str, Content]:
    """Copy every table into `folder`, in one state; the manifest comes last, with `more` in it."""
    connection.begin()
    for table in KINDS:
        connection.execute(f"COPY {table} TO '{quoted(folder / f'{table}.parquet')}' (COMPRESSION zstd)")
    tables = {table: content(connection, table) for table in KINDS}
    spans = {table: _span(connection, table) for table in KINDS}
    connection.rollback()
    manifest = {
        "version": schema.VERSION,
        "tables": {name: {"rows": held.rows, "checksum": held.checksum} for name, held in tables.items()},
        "spans": spans,
        "files": {table: digest(folder / f"{table}.parquet") for table in KINDS},
        **more,
    }
    files.replace(folder / MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return tables


def read_manifest(folder: Path) -> Mapping[str, Any]:
    """Read what `export` wrote last; raises `BadBackup`."""
    try:
        manifest: Mapping[str, Any] = orjson.loads((folder / MANIFEST).read_bytes())
        _ = {table: held["rows"] for table, held in manifest["tables"].items()}
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise BadBackup(f"{folder} holds no whole backup: its {MANIFEST} is missing or broken.") from None
    return manifest


def load(connection: DuckDBPyConnection, folder: Path, table: str, manifest: Mapping[str, Any]) -> Content:
    """Insert one table of a backup; raises `BadBackup` unless its file is what the manifest says."""
    file = folder / f"{table}.parquet"
    known = manifest.get("files", {}).get(table)
    if known is not None and digest(file) != known:
        raise BadBackup(f"{file} is another file, not what its manifest says.")
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM read_parquet('{quoted(file)}')")  # noqa: S608
    held = content(connection, table)
    if held.rows != manifest["tables"][table]["rows"]:
        raise BadBackup(f"{file} has {held.rows} rows, not what its manifest says.")
    return held


def digest(file: Path) -> str:
    """Sum up a file's bytes: Parquet itself does not notice every flipped one."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def quoted(path: Path) -> str:
    return str(path.absolute()).replace("'", "''")


def _span(connection: DuckDBPyConnection, table: str) -> list[str] | None:
    row = connection.execute(f"SELECT min(time), max(time) FROM {table}").fetchone()  # noqa: S608
    return None if row is None or row[0] is None else [time.isoformat() for time in row]
