"""Files that outlast a kill and a power cut, and that tell whether their owner lives."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


def replace(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write a file so that it is there whole or not at all: beside it, synced, renamed.

    `mode` is that of a new file, before the process's mask.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob(f".{path.name}.*.new"):
        old.unlink(missing_ok=True)  # of a writer that was killed
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Make a file, or the renames and unlinks in a folder, outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def orphan(path: Path) -> Iterator[int | None]:
    """Hold the file of a process that died with its lock, by its descriptor; `None`: it lives, or is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its owner, or another who found it, may have removed it between our look and our lock.
        yield descriptor if path.exists() else None
    except BlockingIOError:
        yield None
    finally:
        os.close(descriptor)
