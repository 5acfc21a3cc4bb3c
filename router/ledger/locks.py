"""Locks between processes: they go with whoever held them, however it died."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def closed(gate: Path) -> Iterator[None]:
    """Keep readers from opening the ledger until the block ends."""
    gate.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(gate, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640)
    try:
        # Readers hold it for no time at all, and only one process drains.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_open(gate: Path) -> bool:
    try:
        descriptor = os.open(gate, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        return lock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)


def lock(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        return False
    return True
