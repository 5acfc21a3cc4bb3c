"""From the spool into the ledger: each line once, whenever this process or a writer is killed.

The rows of a segment go in together with its name, in one transaction, and only then is the file moved away:
killed before the commit nothing has happened, killed after it the name says that the rows are in.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from duckdb import DuckDBPyConnection

from router import files
from router.errors import FarthingError
from router.ledger import healing, ingest, kept, refilling, rollups, segments
from router.ledger.kinds import KINDS, Kind
from router.ledger.store import Ledger, Patience, elected, engine, reading, writing
from router.ledger.troubles import LedgerBroken, LedgerDamaged, damage_in

MOST_BYTES = 128 << 20
"""Read in one transaction at most."""

REMEMBERED = timedelta(hours=1)
"""How long `drained` keeps the name of a segment whose file is gone."""

log = logging.getLogger("farthing.ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What came of a drain: rows written, segments taken, bytes of unreadable lines set aside."""

    rows: int = 0
    segments: int = 0
    rejected_bytes: int = 0

    def __add__(self, other: "Drained") -> "Drained":
        return Drained(
            rows=self.rows + other.rows,
            segments=self.segments + other.segments,
            rejected_bytes=self.rejected_bytes + other.rejected_bytes,
        )


def unobserved(_: str) -> None:
    """Do nothing at a step; tests kill the process there."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def drain(
    ledger: Ledger,
    *,
    using: DuckDBPyConnection | None = None,
    now: Callable[[], datetime] = utc_now,
    step: Callable[[str], None] = unobserved,
) -> Drained:
    """Bring all that is sealed, or orphaned, into the ledger; only for whoever is elected.

    `using` is an engine to work with (see `store.engine`).
    `step` is told "inserted" before each commit and "committed" after it.
    """
    segments.adopt(ledger.spool)
    total = Drained()
    for kind in KINDS.values():
        commit = partial(_commit, ledger, using, now, step, kind)
        for batch in _batches(segments.sealed(ledger.spool, kind)):
            try:
                total += commit({path: path for path in batch})
            except ingest.UNREADABLE as error:
                log.critical("The spool holds lines that are no ledger entries: %s", error)
                total += _rescue(ledger, kind, batch, commit)
    return total


def drain_once(ledger: Ledger) -> Drained | None:
    """Drain, or return `None` if another process is at it; raises `FarthingError` if it cannot be done."""
    try:
        with elected(ledger) as chosen:
            if not chosen:
                return None
            catch_up(ledger)
            return drain(ledger)
    except (OSError, duckdb.Error) as error:
        raise LedgerBroken(f"The spool cannot be moved into the ledger: {error}") from error


def drain_what_waits(ledger: Ledger, patience: Patience | None = None) -> bool:
    """See that all rows in the spool at this moment come into the ledger, by whoever is elected.

    Returns whether they did before `patience` was over: writers seal their segments in their own time.
    Raises `FarthingError` if it cannot be done.
    """
    mine = segments.waiting(ledger.spool)
    for _ in (patience or Patience()).tries():
        drain_once(ledger)
        if not mine & segments.waiting(ledger.spool):
            return True
    return False


def catch_up(ledger: Ledger) -> None:
    """Bring an older ledger's tables up to date, for reports find them so; see that it is whole.

    A ledger that has no copy of its rows yet gets one, and its sums; each takes seconds per million.
    """
    if healing.is_due(ledger):
        healing.look_after(ledger)
    if not ledger.database.exists():
        return
    try:
        _add_up(ledger)
    except LedgerDamaged:
        healing.look_after(ledger)
    healing.put_back(ledger)
    with reading(ledger) as connection:
        if not kept.begun(ledger) or refilling.is_behind(ledger, connection):
            kept.rebase(ledger, connection, utc_now())


def _add_up(ledger: Ledger) -> None:
    """Add up all that is not (`rollups.py`), part by part: readers get in between."""
    added = -1
    while added:
        with writing(ledger) as connection:
            added = rollups.keep_up(connection, doubting=True)


def keep_draining(ledger: Ledger, wait: Callable[[], bool], *, most_kept: int = kept.MOST_BYTES) -> None:
    """Drain, `wait`, and again until it says `False`; stand by while another process is elected.

    `most_kept` is how many bytes of what is drained are kept beside the ledger (`kept.py`).
    """
    while True:
        with elected(ledger) as chosen:
            if chosen:
                _serve(ledger, wait, most_kept)
                return
        if not wait():
            return


def _serve(ledger: Ledger, wait: Callable[[], bool], most_kept: int) -> None:
    for path in segments.foreign(ledger.spool):
        log.warning("%s is of another version and is left alone", path)
    with suppress(FarthingError):  # the first drain says what is wrong
        catch_up(ledger)
    troubles = 0
    going = True
    while going:
        # A new engine after trouble: some of DuckDB's errors are for good.
        with engine(frugal=True) as using:
            while going:
                loud = troubles & (troubles - 1) == 0
                trouble = _drain_or_say_why(ledger, using, most_kept, loud=loud)
                troubles = troubles + 1 if trouble else 0
                going = wait()
                if trouble:
                    break
    with engine(frugal=True) as using:
        # Writers that are dying with us let go of their files a moment later.
        for _ in Patience(seconds=1.0).tries():
            if _drain_or_say_why(ledger, using, most_kept, loud=True) or not segments.still_open(
                ledger.spool
            ):
                return


def _drain_or_say_why(ledger: Ledger, using: DuckDBPyConnection, most_kept: int, *, loud: bool) -> bool:
    """Return whether there was trouble; what is not drained now stays in the spool and is tried again."""
    try:
        if loud and healing.is_due(ledger):
            healing.look_after(ledger)
        drain(ledger, using=using)
        kept.tidy(ledger, most_kept)
    except (FarthingError, OSError, duckdb.Error) as error:
        if damage_in(error):
            healing.suspect(ledger, str(error))
        if loud:
            log.error("The ledger takes nothing; the spool keeps it: %s", error)  # noqa: TRY400 - the sentence says all
        return True
    return False


def _batches(paths: Sequence[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    size = 0
    for path in paths:
        batch.append(path)
        size += path.stat().st_size
        if size >= MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _commit(
    ledger: Ledger,
    using: DuckDBPyConnection | None,
    now: Callable[[], datetime],
    step: Callable[[str], None],
    kind: Kind,
    sources: Mapping[Path, Path],
) -> Drained:
    """Ingest segments from the files that stand for them, then move the segments to where they are kept."""
    with writing(ledger, using=using) as connection:
        rows = connection.execute(
            "SELECT segment FROM drained WHERE list_contains($names, segment)",
            {"names": [segment.name for segment in sources]},
        ).fetchall()
        known = {name for (name,) in rows}
        if not kept.begun(ledger):
            kept.rebase(ledger, connection, now())
        fresh = [segment for segment in sources if segment.name not in known]
        time = now().astimezone(UTC).replace(tzinfo=None)
        connection.begin()
        count = ingest.insert(connection, [sources[segment] for segment in fresh], kind)
        connection.execute(
            "INSERT INTO drained SELECT unnest($names), $time",
            {"names": [segment.name for segment in fresh], "time": time},
        )
        places = (ledger.spool, ledger.kept)
        present = [
            path.name for place in places for each in KINDS.values() for path in segments.sealed(place, each)
        ]
        connection.execute(
            "DELETE FROM drained WHERE time < $oldest AND segment NOT IN (SELECT unnest($present))",
            {"oldest": time - REMEMBERED, "present": present},
        )
        step("inserted")
        connection.commit()
        rollups.keep_up(connection)
    step("committed")
    kept.take(ledger, list(sources))
    files.sync(ledger.spool)
    return Drained(rows=count, segments=len(sources))


def _rescue(
    ledger: Ledger, kind: Kind, batch: Sequence[Path], commit: Callable[[Mapping[Path, Path]], Drained]
) -> Drained:
    """Ingest what can be read, and set the rest aside as segments that may be mended and put back."""
    rejected = 0
    with TemporaryDirectory(prefix="farthing-") as folder:
        sources = {}
        for segment in batch:
            sources[segment] = segment
            if not ingest.readable(segment, kind):
                good, bad = ingest.sift(segment, kind)
                sources[segment] = Path(folder) / segment.name
                sources[segment].write_bytes(good)
                _set_aside(ledger, segment, bad)
                rejected += len(bad)
        return commit(sources) + Drained(rejected_bytes=rejected)


def _set_aside(ledger: Ledger, segment: Path, bad: bytes) -> None:
    # Another name than the segment's, which the ledger will know and never take again.
    path = ledger.quarantine / f"rejected-{segment.name}"
    files.replace(path, bad)
    log.critical(
        "%d lines were set aside in %s; mended, they may go back into the spool", bad.count(b"\n"), path
    )
