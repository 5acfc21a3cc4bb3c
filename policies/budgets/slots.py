"""What a process has spent of each lease, where its death cannot take it: a file in memory, under a lock.

The kernel keeps the pages and drops the lock when the process is killed, so whoever finds the lock free
knows that the owner is dead, and reads to the last call what it has booked.
"""

import contextlib
import fcntl
import mmap
import os
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path

from router.files import orphan

SLOTS = 1 << 20
"""Leases of one process at a time; the file is sparse, so only those in use take room."""

SUFFIX = ".used"


class Slots:
    """The file of one living process: whole numbers by position."""

    def __init__(self, folder: Path) -> None:
        self.owner = f"{os.getpid()}_{secrets.token_hex(6)}"
        self._path = folder / f"{self.owner}{SUFFIX}"
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        os.ftruncate(self._descriptor, SLOTS * 8)
        self._map = mmap.mmap(self._descriptor, SLOTS * 8)
        self._values = memoryview(self._map).cast("q")
        self._free: list[int] = []
        self._next = 0

    def take(self) -> int:
        """Give a position that is free, at nothing."""
        if self._free:
            slot = self._free.pop()
        else:
            slot, self._next = self._next, self._next + 1
        self._values[slot] = 0
        return slot

    def put(self, slot: int, value: int) -> None:
        self._values[slot] = value

    def release(self, slot: int) -> None:
        self._free.append(slot)

    def close(self) -> None:
        """Give up the file: nothing of it may matter any more."""
        self._values.release()
        self._map.close()
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


class Remains:
    """The file of a process that is dead."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def value(self, slot: int) -> int:
        (value,) = struct.unpack("=q", os.pread(self._descriptor, 8, slot * 8))
        return int(value)


@contextlib.contextmanager
def remains(folder: Path, owner: str) -> Iterator[Remains | None]:
    """Give what a dead owner has left, and remove it after; `None` if it lives, or another has it."""
    path = folder / f"{owner}{SUFFIX}"
    with orphan(path) as descriptor:
        yield None if descriptor is None else Remains(descriptor)
        if descriptor is not None:
            path.unlink(missing_ok=True)


def owners(folder: Path) -> set[str]:
    """Name every process that has a file there."""
    return {path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}")}
