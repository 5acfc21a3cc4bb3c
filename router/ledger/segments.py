"""The files of the spool: their names, and the three states a segment goes through.

    <writer>-<boot>-<number>.v1.open     its writer holds the lock and appends     -> sealed, or orphaned
    the same, the lock free              its writer died                           -> adopted: cut, sealed
    <writer>-<boot>-<number>.v1.jsonl    sealed: the drainer may take it           -> in the ledger, unlinked

`boot` is random and no number is used twice, so a name means one segment for ever.
`v1` is the mark of a kind of record, with the version of its lines (`kinds.py`).
"""

import fcntl
import logging
import os
from pathlib import Path

from router import files
from router.ledger.kinds import ATTEMPTS, KINDS, Kind

OPEN, SEALED = ".open", ".jsonl"

log = logging.getLogger("farthing.ledger")


def sealed_path(path: Path) -> Path:
    """Name an open segment as it is called once sealed."""
    return path.with_name(path.name.removesuffix(OPEN) + SEALED)


def still_open(spool: Path) -> list[Path]:
    return sorted(path for path in spool.glob(f"*{OPEN}") if _kind(path, OPEN) is not None)


def sealed(spool: Path, kind: Kind = ATTEMPTS) -> list[Path]:
    return sorted(path for path in spool.glob(f"*{kind.sealed}") if _kind(path, SEALED) is kind)


def waiting(spool: Path) -> set[str]:
    """Name, as they are called once sealed, the segments whose rows are still to go into the ledger."""
    opened = {sealed_path(path).name for path in still_open(spool) if _holds_rows(path)}
    return opened | {path.name for kind in KINDS.values() for path in sealed(spool, kind)}


def _holds_rows(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:  # sealed in the meantime
        return True


def foreign(spool: Path) -> list[Path]:
    """List segments of other versions or kinds: a newer Farthing's, to be left for it."""
    return sorted(path for path in spool.glob(f"*{SEALED}") if _kind(path, SEALED) is None)


def _kind(path: Path, state: str) -> Kind | None:
    """Tell by its name what a segment holds, `None` if nothing that is known here."""
    mark = path.name.removesuffix(state).rpartition(".")[2]
    return next((kind for kind in KINDS.values() if kind.mark == mark), None)


def create(path: Path) -> int | None:
    """Open a new segment and lock it; `None` if an adopter got hold of it first."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if not path.exists():
        os.close(descriptor)
        return None
    return descriptor


def adopt(spool: Path) -> list[Path]:
    """Seal the segments whose writers are dead, without the last line if it is torn."""
    return [sealed_path(path) for path in still_open(spool) if _adopt(path)]


def _adopt(path: Path) -> bool:
    with files.orphan(path) as descriptor:
        if descriptor is None:
            return False
        size = os.fstat(descriptor).st_size
        whole = os.pread(descriptor, size, 0).rfind(b"\n") + 1
        if whole < size:
            log.warning(
                "%s ended in a torn line of %d bytes, which nobody was told of", path.name, size - whole
            )
            os.ftruncate(descriptor, whole)
        path.rename(sealed_path(path))
        return True
