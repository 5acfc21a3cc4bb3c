"""The bytes of files, in the database, and beside it on each machine a copy of what it works with.

So any machine reads any file, a line is read from a disk and not over the network,
and memory is bounded by a chunk, whatever the size of the file.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from threading import Lock

from batch.postgres.database import SQL, Database, count_of
from batch.shelf import FolderShelf

CHUNK = 1 << 20

KEPT = 2 * 86_400
"""Seconds a copy stays on a machine that nobody there has read."""


class SharedShelf:
    """A `batch.seams.Shelf` in a database; `near` has the copies."""

    def __init__(self, database: Database, near: FolderShelf) -> None:
        self._database, self._near = database, near
        self._fetching = Lock()

    def path(self, file_id: str) -> Path:
        path = self._near.path(file_id)
        if not path.exists():
            with self._fetching:
                if not path.exists():
                    self._fetch(file_id)
        path.touch()
        return path

    async def receive(self, file_id: str, chunks: AsyncIterator[bytes]) -> int:
        size = await self._near.receive(file_id, chunks)
        await asyncio.to_thread(self._keep, file_id)
        return size

    def write(self, file_id: str, lines: Iterable[bytes]) -> int:
        size = self._near.write(file_id, lines)
        self._keep(file_id)
        return size

    def read(self, file_id: str, offset: int, length: int) -> bytes:
        self.path(file_id)
        return self._near.read(file_id, offset, length)

    def drop(self, file_id: str) -> None:
        self._near.drop(file_id)
        with self._database.connection() as db:
            count_of(db, "drop_chunks", id=file_id)

    def tidy(self, now: float, _known: Callable[[str], bool]) -> None:
        """Drop copies that nobody has read for long, and of uploads whose process died what there is."""
        for path in self._near.folder.iterdir():
            if path.stat().st_mtime < now - KEPT:
                path.unlink(missing_ok=True)
        with self._database.connection() as db:
            count_of(db, "drop_lost_chunks")
            self._database.jobs(db).add_up()
            count_of(db, "drop_old_log")

    def _keep(self, file_id: str) -> None:
        with (
            self._database.connection() as db,
            db.transaction(),
            self._near.path(file_id).open("rb") as file,
            db.cursor().copy("COPY chunks (file, number, bytes) FROM STDIN (FORMAT binary)") as copy,
        ):
            copy.set_types(("text", "int4", "bytea"))
            copy.write_row((file_id, 0, file.read(CHUNK)))  # so that an empty file has one too
            for number, chunk in enumerate(iter(lambda: file.read(CHUNK), b""), start=1):
                copy.write_row((file_id, number, chunk))

    def _fetch(self, file_id: str) -> None:
        """Copy a file here; raise `FileNotFoundError` if there is none."""
        with (
            self._database.connection() as db,
            db.transaction(),
            self._near.writing(file_id) as file,
            db.cursor(name="chunks") as cursor,
        ):
            cursor.itersize = 1
            found = False
            for row in cursor.execute(SQL["read_chunks"].encode(), {"id": file_id}):
                file.write(row["bytes"])
                found = True
            if not found:
                raise FileNotFoundError(file_id)
