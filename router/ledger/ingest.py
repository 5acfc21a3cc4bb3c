"""Lines of JSON into rows, all or none; and, where some are unreadable, which."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from duckdb import DuckDBPyConnection

from router.ledger import schema
from router.ledger.kinds import ATTEMPTS, Kind
from router.ledger.store import scratch

UNREADABLE = (duckdb.InvalidInputException, duckdb.DataError, duckdb.ConstraintException)
"""What DuckDB raises for lines that are no entries, and for nothing else that can happen here."""


def insert(connection: DuckDBPyConnection, files: Sequence[Path], kind: Kind = ATTEMPTS) -> int:
    """Insert every line of `files` into the table of `kind` and return how many.

    Raises one of `UNREADABLE`.
    """
    filled = [str(file.absolute()) for file in files if file.stat().st_size]
    if not filled:
        return 0
    columns = schema.TABLES[kind.table]
    row = connection.execute(
        f"INSERT INTO {kind.table} BY NAME SELECT {', '.join(column.ingested for column in columns)} "  # noqa: S608 - our own columns
        "FROM read_json($files, columns = $columns, format = 'newline_delimited', hive_partitioning = false)",
        {"files": filled, "columns": {column.name: column.read_as for column in columns}},
    ).fetchone()
    assert row is not None
    return int(row[0])


def insert_readable(connection: DuckDBPyConnection, files: Sequence[Path], kind: Kind) -> None:
    """Insert the lines of `files` that can be read, outside of any transaction."""
    with contextlib.suppress(*UNREADABLE):
        insert(connection, files, kind)
        return
    for file in files:
        with TemporaryDirectory(prefix="farthing-") as folder:
            good = Path(folder) / "good.jsonl"
            good.write_bytes(sift(file, kind)[0])
            insert(connection, [good], kind)


def readable(file: Path, kind: Kind = ATTEMPTS) -> bool:
    """Tell whether `insert` would take the whole file, without a ledger."""
    with scratch() as connection:
        return _fits(file, connection, kind)


def sift(segment: Path, kind: Kind = ATTEMPTS) -> tuple[bytes, bytes]:
    """Part a segment's lines into those `insert` takes and those it does not, both in their order."""
    lines = [line + b"\n" for line in segment.read_bytes().split(b"\n") if line]
    with TemporaryDirectory(prefix="farthing-") as folder, scratch() as connection:
        verdicts = list(_judge(lines, Path(folder) / "probe.jsonl", connection, kind))
    good = b"".join(line for line, fits in zip(lines, verdicts, strict=True) if fits)
    return good, b"".join(line for line, fits in zip(lines, verdicts, strict=True) if not fits)


def _judge(lines: Sequence[bytes], probe: Path, connection: DuckDBPyConnection, kind: Kind) -> Iterator[bool]:
    """Halve until a piece is readable, or a single line."""
    probe.write_bytes(b"".join(lines))
    if _fits(probe, connection, kind):
        yield from [True] * len(lines)
    elif len(lines) == 1:
        yield False
    else:
        middle = len(lines) // 2
        yield from _judge(lines[:middle], probe, connection, kind)
        yield from _judge(lines[middle:], probe, connection, kind)


def _fits(file: Path, connection: DuckDBPyConnection, kind: Kind) -> bool:
    connection.begin()
    try:
        insert(connection, [file], kind)
    except UNREADABLE:
        return False
    finally:
        connection.rollback()
    return True
