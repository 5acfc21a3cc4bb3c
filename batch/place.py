"""Where batch work lies in the data folder, and who works on it."""

import fcntl
import importlib
import importlib.util
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from batch.seams import Shelf, Store
from batch.shelf import FolderShelf
from batch.sqlite import SQLiteStore
from router import files
from router.errors import ConfigError

EXTRA = ("psycopg", "psycopg_pool", "pgqueuer")


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of the embedded store: the database, the files, and the lock of whoever works on it.

    With `url`, that of a database that several machines share, the folder has copies of files.
    """

    folder: Path
    url: str | None = field(default=None, repr=False)

    @classmethod
    def within(cls, data: Path, url: str | None = None) -> "Place":
        return cls(data / "batch", url)

    def check(self) -> None:
        """Raise `ConfigError` if something is not installed that the store takes."""
        missing = [name for name in EXTRA if importlib.util.find_spec(name) is None]
        if self.url is not None and missing:
            needed = ", ".join(missing)
            raise ConfigError(f"`batch.store` needs `pip install 'farthing[postgres]'`: no {needed} here.")

    def open(self) -> tuple[Store, Shelf]:
        """Give where batches and the bytes of files are kept; raises `ConfigError` without what it takes."""
        near = FolderShelf(self.folder / "files")
        if self.url is None:
            return SQLiteStore(self.folder), near
        self.check()
        # The door to pgqueuer and psycopg, an extra: only for those who have many machines.
        door = importlib.import_module("batch.postgres")
        opened: tuple[Store, Shelf] = door.opened(self.url, near)
        return opened

    def worker(self) -> str:
        """Name whoever works on batches from this folder, one at a time: the same name after a restart."""
        path = self.folder / "worker"
        if not path.exists():
            files.replace(path, secrets.token_hex(8).encode())
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
