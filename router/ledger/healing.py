"""A ledger that is damaged is made anew of what is kept beside it; nothing of it is deleted.

DuckDB writes the block of its metadata over itself before the header that makes the new one count:
a process killed within that write, or a power cut, leaves a file that nothing opens again.
Disks do the same to any block. So what is seen to be damaged is moved aside, and the file is made again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from router import files
from router.ledger import kept, locks, segments
from router.ledger.kept import Missing
from router.ledger.kinds import KINDS
from router.ledger.refilling import Filling, is_in
from router.ledger.store import Ledger, Patience, engine, make, reading, writing
from router.ledger.troubles import LedgerBroken, LedgerBusy, LedgerDamaged

ASIDE = ".corrupt-"
STAMP = "%Y%m%dT%H%M%S%f"

MOST_REBUILDS, WITHIN = 5, timedelta(hours=1)
"""A file that is damaged more often than that is not what is wrong."""

ASKED = "Asked for by `farthing ledger repair`. "
"""How the suspicion begins that needs no proof; the folder of a backup may follow."""

log = logging.getLogger("farthing.ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What came of making the ledger anew: rows by table, where the damaged file is, what is lost."""

    rows: dict[str, int]
    aside: Path | None
    lost: tuple[Missing, ...]


def damage(ledger: Ledger) -> str | None:
    """Read every block of the file, and say what is wrong with it if anything is."""
    try:
        with reading(ledger, Patience(seconds=0.2)) as connection:
            for (table,) in connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE NOT internal"
            ).fetchall():
                connection.execute(f"SELECT count(*), sum(hash(one)) FROM {table} AS one").fetchall()  # noqa: S608
    except LedgerDamaged as error:
        return str(error)
    except LedgerBusy:
        return None
    return None


def is_due(ledger: Ledger) -> bool:
    """Tell whether the file is gone, half made anew, or was seen to be damaged by somebody who read it."""
    return (
        ledger.rebuilding.exists()
        or ledger.suspicion.exists()
        or (not ledger.database.exists() and kept.begun(ledger))
    )


def look_after(ledger: Ledger) -> Rebuilt | None:
    """Make the ledger anew if it is due and indeed damaged; only for whoever is elected."""
    said = _text(ledger.rebuilding) or _text(ledger.suspicion)
    if said.startswith(ASKED):
        backup = said.removeprefix(ASKED)
        return rebuild(ledger, ASKED.strip(), backup=Path(backup) if backup else None)
    if not ledger.rebuilding.exists() and ledger.database.exists():
        reason = damage(ledger)
        if reason is None:
            ledger.suspicion.unlink(missing_ok=True)
            return None
        return rebuild(ledger, reason)
    return rebuild(ledger, said or f"{ledger.database} is gone.")


def suspect(ledger: Ledger, reason: str) -> None:
    """Have the drainer read all of the ledger, and make it anew if it is damaged."""
    files.replace(ledger.suspicion, reason.encode())


def ask(ledger: Ledger, backup: Path | None = None) -> None:
    """Have the drainer make the ledger anew, whatever it finds."""
    files.replace(ledger.suspicion, f"{ASKED}{backup.absolute() if backup else ''}".encode())


def rebuild(
    ledger: Ledger, reason: str, *, backup: Path | None = None, now: Callable[[], datetime] | None = None
) -> Rebuilt:
    """Move the file aside and make it anew of base, packs and segments, each row once.

    `backup` is a backup to take what is not kept from. Only for whoever is elected.
    Raises `LedgerBroken` if that was done too often of late.
    """
    time = now() if now is not None else datetime.now(UTC)
    if not reason.startswith(ASKED.strip()):
        _refuse_for_ever(ledger, time)
    resumed = ledger.rebuilding.exists()
    with locks.closed(ledger.gate):
        if not resumed:
            files.replace(ledger.rebuilding, f"since {time:%Y-%m-%d %H:%M:%S} UTC: {reason}".encode())
        aside = _move_aside(ledger, time, resumed=resumed)
    log.critical("The ledger is damaged, and made anew of what is kept. It is now %s. %s", aside, reason)
    held = kept.holding(ledger)
    filling = Filling(held, [*kept.missing(ledger)], aside, backup)
    with engine() as connection:
        make(connection, ledger.database, filling.fill)
    kept.note(ledger.losses, filling.lost)
    files.sync(ledger.data)
    ledger.suspicion.unlink(missing_ok=True)
    ledger.rebuilding.unlink(missing_ok=True)
    if filling.unsound or backup is not None:
        with writing(ledger) as connection:
            kept.rebase(ledger, connection, time)
    for gap in filling.lost:
        log.critical("Lost: %s", gap)
    log.critical("The ledger is made anew: %s", filling.rows)
    return Rebuilt(rows=filling.rows, aside=aside, lost=tuple(filling.lost))


def put_back(ledger: Ledger) -> int:
    """Hand what the ledger should have and has not to the drainer once more; return how many segments.

    DuckDB takes a log whose first bytes are damaged for an empty one, and says nothing.
    """
    here = {path.name: path for kind in KINDS.values() for path in segments.sealed(ledger.kept, kind)}
    if not here or not ledger.database.exists():
        return 0
    held = kept.holding(ledger)
    with reading(ledger) as connection:
        known = {name for (name,) in connection.execute("SELECT segment FROM drained").fetchall()}
        for table, paths in held.segments.items():
            # An older Farthing forgets the names of what a newer one keeps.
            known |= {
                path.name for path in paths if path.name not in known and is_in(connection, table, path)
            }
    forgotten = [path for paths in held.segments.values() for path in paths if path.name not in known]
    for path in forgotten:
        path.rename(ledger.spool / path.name)
    if forgotten:
        log.critical(
            "The ledger had lost %d segments that were committed; they are drained again", len(forgotten)
        )
    return len(forgotten)


def asides(ledger: Ledger) -> list[Path]:
    """List the damaged files that were moved aside."""
    return sorted(
        path for path in ledger.data.glob(f"{ledger.database.name}{ASIDE}*") if path.suffix != ".wal"
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _refuse_for_ever(ledger: Ledger, now: datetime) -> None:
    oldest = f"{now.astimezone(UTC) - WITHIN:{STAMP}}"
    recent = [path for path in asides(ledger) if path.name.rpartition(ASIDE)[2] > oldest]
    if len(recent) >= MOST_REBUILDS:
        raise LedgerBroken(
            f"The ledger was damaged {len(recent)} times within an hour: something is wrong with the disk or "
            "with DuckDB. The spool keeps what comes; `farthing ledger repair` tries again."
        )


def _move_aside(ledger: Ledger, now: datetime, *, resumed: bool) -> Path | None:
    """Give the damaged file, and DuckDB's logs beside it, another name; `None` if it is gone."""
    if not ledger.database.exists():
        return next(iter(asides(ledger)[-1:]), None) if resumed else None
    aside = ledger.database.with_name(f"{ledger.database.name}{ASIDE}{now.astimezone(UTC):{STAMP}}")
    for path in ledger.data.glob(f"{ledger.database.name}.*wal"):
        path.rename(aside.with_name(aside.name + path.name.removeprefix(ledger.database.name)))
    ledger.database.rename(aside)
    files.sync(ledger.data)
    return aside
