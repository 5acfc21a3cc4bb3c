"""Lines of JSON into rows, all or none; and, where some are unreadable, which."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from duckdb import DuckDBPyConnection

from router.ledger import schema
from router.ledger.store import scratch

INSERT = (
    f"INSERT INTO ledger BY NAME SELECT {', '.join(column.ingested for column in schema.COLUMNS)} "  # noqa: S608 - our own columns
    "FROM read_json($files, columns = $columns, format = 'newline_delimited', hive_partitioning = false)"
)

UNREADABLE = (duckdb.InvalidInputException, duckdb.DataError, duckdb.ConstraintException)
"""What DuckDB raises for lines that are no entries, and for nothing else that can happen here."""


def insert(connection: DuckDBPyConnection, files: Sequence[Path]) -> int:
    """Insert every line of `files` into the ledger and return how many; raises one of `UNREADABLE`."""
    filled = [str(file.absolute()) for file in files if file.stat().st_size]
    if not filled:
        return 0
    columns = {column.name: column.read_as for column in schema.COLUMNS}
    row = connection.execute(INSERT, {"files": filled, "columns": columns}).fetchone()
    assert row is not None
    return int(row[0])


def readable(file: Path) -> bool:
    """Tell whether `insert` would take the whole file, without a ledger."""
    with scratch() as connection:
        return _fits(file, connection)


def sift(segment: Path) -> tuple[bytes, bytes]:
    """Part a segment's lines into those `insert` takes and those it does not, both in their order."""
    lines = [line + b"\n" for line in segment.read_bytes().split(b"\n") if line]
    with TemporaryDirectory(prefix="farthing-") as folder, scratch() as connection:
        verdicts = list(_judge(lines, Path(folder) / "probe.jsonl", connection))
    good = b"".join(line for line, fits in zip(lines, verdicts, strict=True) if fits)
    return good, b"".join(line for line, fits in zip(lines, verdicts, strict=True) if not fits)


def _judge(lines: Sequence[bytes], probe: Path, connection: DuckDBPyConnection) -> Iterator[bool]:
    """Halve until a piece is readable, or a single line."""
    probe.write_bytes(b"".join(lines))
    if _fits(probe, connection):
        yield from [True] * len(lines)
    elif len(lines) == 1:
        yield False
    else:
        middle = len(lines) // 2
        yield from _judge(lines[:middle], probe, connection)
        yield from _judge(lines[middle:], probe, connection)


def _fits(file: Path, connection: DuckDBPyConnection) -> bool:
    connection.begin()
    try:
        insert(connection, [file])
    except UNREADABLE:
        return False
    finally:
        connection.rollback()
    return True
