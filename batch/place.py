"""Where batch work lies in the data folder, and who works on it."""

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from batch.shelf import Shelf
from batch.sqlite import SQLiteStore


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of the embedded store: the database, the files, and the lock of whoever works on it."""

    folder: Path

    @classmethod
    def within(cls, data: Path) -> "Place":
        return cls(data / "batch")

    def store(self) -> SQLiteStore:
        return SQLiteStore(self.folder)

    def shelf(self) -> Shelf:
        return Shelf(self.folder / "files")

    def worker(self) -> str:
        """Name whoever works on batches from this folder, one at a time: the same name after a restart."""
        path = self.folder / "worker"
        if not path.exists():
            new = path.with_suffix(".new")
            new.write_text(secrets.token_hex(8))
            new.rename(path)
        return f"{socket.gethostname()}-{path.read_text()}"

    @contextmanager
    def elected(self) -> Iterator[bool]:
        """Hold the lock that one runner has, which goes when its process does; yields whether it was had."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "runner.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)
