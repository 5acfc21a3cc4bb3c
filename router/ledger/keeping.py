"""Keeping a ledger: is it whole, a copy of it, the way back, and letting go of what is old.

All of it may be done while the proxy serves: writers take turns at the gate, and the spool waits.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from duckdb import DuckDBPyConnection

from router import files
from router.errors import FarthingError
from router.ledger import ingest, kept, parquet, refilling, rollups, segments
from router.ledger.kinds import KINDS
from router.ledger.parquet import BadBackup, Content, content, quoted
from router.ledger.store import STORAGE, Ledger, reading, value, writing

CHECKS: tuple[tuple[str, str], ...] = (
    (
        "requests without exactly one final row",
        "SELECT count(*) FROM (SELECT 1 FROM ledger GROUP BY request_id HAVING count(*) FILTER (final) <> 1)",
    ),
    (
        "attempts that stand there more than once",
        "SELECT count(*) FROM (SELECT 1 FROM ledger GROUP BY request_id, attempt HAVING count(*) > 1)",
    ),
    (
        "amounts above their bound, or below nothing",
        "SELECT count(*) FROM ledger WHERE cost > cost_bound OR cost < 0",
    ),
    (
        "amounts whose grade says there is none, or the reverse",
        "SELECT count(*) FROM ledger WHERE (cost IS NULL) <> (cost_grade IN ('unpriced', 'none'))",
    ),
    (
        "computed amounts with another bound than the amount",
        "SELECT count(*) FROM ledger WHERE cost_grade IN ('computed', 'reported') AND cost <> cost_bound",
    ),
    (
        "counterfactuals on rows that are not final",
        "SELECT count(*) FROM ledger WHERE baseline_cost IS NOT NULL AND NOT final",
    ),
    (
        "records of one settlement that contradict each other at one time",
        """SELECT count(*) FROM (
            SELECT 1 FROM settlements GROUP BY provider, record_id, time HAVING count(DISTINCT amount) > 1
        )""",
    ),
)
"""What must not be, and how many there are of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a ledger holds by table, and all that is wrong with it."""

    tables: dict[str, Content]
    wrong: tuple[str, ...]


def verify(ledger: Ledger) -> Verified:
    """Read every block of the ledger, all that is kept beside it, and every line of the spool."""
    with reading(ledger) as connection:
        tables = {table: content(connection, table) for table in KINDS}
        counts = [(name, int(value(connection, query))) for name, query in CHECKS]
        apart = rollups.differences(connection)
    wrong = [f"{count} {name}" for name, count in counts if count] + apart
    wrong += [f"lost: {gap}" for gap in kept.lost(ledger)]
    wrong += refilling.differences(ledger, tables)
    for kind in KINDS.values():
        wrong += [
            f"{path.name} has lines that cannot be read"
            for path in segments.sealed(ledger.spool, kind)
            if path.stat().st_size and not ingest.readable(path, kind)
        ]
    aside = list(ledger.quarantine.iterdir()) if ledger.quarantine.is_dir() else []
    if aside:
        wrong.append(f"{len(aside)} files of unreadable lines wait in {ledger.quarantine}")
    return Verified(tables=tables, wrong=tuple(wrong))


def backup(ledger: Ledger, folder: Path) -> dict[str, Content]:
    """Copy every table into `folder` as Parquet, in one state; the manifest comes last and says so."""
    if folder.exists() and any(folder.iterdir()):
        raise BadBackup(f"{folder} is not empty: a backup wants a folder of its own.")
    folder.mkdir(parents=True, exist_ok=True)
    with reading(ledger) as connection:
        return parquet.export(connection, folder)


def restore(folder: Path, ledger: Ledger) -> dict[str, Content]:
    """Make a ledger of a backup, where there is none; raises `BadBackup` unless every row is back."""
    manifest = parquet.read_manifest(folder)
    if ledger.database.exists():
        raise BadBackup(f"{ledger.database} is there already: move it away first.")
    if kept.begun(ledger):
        raise BadBackup(
            f"{ledger.kept} has what a ledger took: `farthing ledger repair --backup` makes it anew of both."
        )
    with writing(ledger) as connection:
        connection.begin()
        known = [table for table in KINDS if table in manifest["tables"]]
        tables = {table: parquet.load(connection, folder, table, manifest) for table in known}
        connection.commit()
    return tables


def prune(ledger: Ledger, before: datetime, archive: Path | None = None) -> int:
    """Let go of requests that ended `before`, and what belongs to them; return how many rows went.

    With `archive` each of their days is written there first, as Parquet.
    The file keeps its size until it is compacted.
    """
    time = before.astimezone(UTC).replace(tzinfo=None)
    with writing(ledger) as connection:
        connection.execute("CREATE TEMP TABLE old (request_id VARCHAR)")
        connection.execute(
            "INSERT INTO old SELECT request_id FROM ledger GROUP BY request_id HAVING max(time) < ?", [time]
        )
        if archive is not None:
            _archive(connection, archive)
        connection.begin()
        gone = sum(_delete(connection, table, time) for table in KINDS)
        rollups.forget(connection)
        connection.commit()
        connection.execute("DROP TABLE old")
        if gone and kept.begun(ledger):
            # Else what was let go of would be there again if the ledger had to be made anew.
            kept.rebase(ledger, connection, datetime.now(UTC))
    return gone


def compact(ledger: Ledger) -> tuple[int, int]:
    """Write the ledger anew, in order of time and without holes; return its size before and after."""
    if not ledger.database.exists():
        return 0, 0
    draft = ledger.database.with_name(f"{ledger.database.name}.compact")
    before = ledger.database.stat().st_size
    draft.unlink(missing_ok=True)
    with writing(ledger) as connection:
        rollups.forget(connection)
        connection.execute("CHECKPOINT")
        connection.execute(f"ATTACH '{quoted(draft)}' AS compacted (STORAGE_VERSION '{STORAGE}')")
        connection.execute("COPY FROM DATABASE ledger_file TO compacted")
        connection.execute("DETACH compacted")
        # While the gate is closed: whoever opens the ledger next opens the new one.
        draft.rename(ledger.database)
        files.sync(ledger.data)
    return before, ledger.database.stat().st_size


def age(text: str, now: datetime) -> datetime:
    """Read `90d`, `12h` or `4w` as the instant that long before `now`; raises `FarthingError`."""
    found = re.fullmatch(r"(\d{1,5})([hdw])", text)
    if found is None:
        raise FarthingError(f"{text[:20]!r} is no age: write 12h, 90d or 8w.")
    return now - timedelta(hours=int(found[1]) * {"h": 1, "d": 24, "w": 168}[found[2]])


def _delete(connection: DuckDBPyConnection, table: str, before: datetime) -> int:
    """Delete what belongs to old requests, and what belongs to none by its own age."""
    row = connection.execute(
        f"DELETE FROM {table} WHERE request_id IN (FROM old) OR (request_id IS NULL AND time < ?)",  # noqa: S608
        [before],
    ).fetchone()
    return int(row[0]) if row else 0


def _archive(connection: DuckDBPyConnection, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for (day,) in connection.execute(
        "SELECT DISTINCT CAST(time AS DATE) FROM ledger WHERE request_id IN (FROM old) ORDER BY 1"
    ).fetchall():
        path = folder / f"ledger-{day}-{datetime.now(UTC):%Y%m%dT%H%M%S}.parquet"
        connection.execute(
            f"COPY (SELECT * FROM ledger WHERE request_id IN (FROM old) AND CAST(time AS DATE) = '{day}') "  # noqa: S608
            f"TO '{quoted(path)}' (COMPRESSION zstd)"
        )


def described(tables: dict[str, Content]) -> Iterator[str]:
    """Say in a line a table what it holds."""
    for table, held in tables.items():
        yield f"{table}: {held.rows} rows, checksum {int(held.checksum) % 16**16:016x}"
