"""Where the bytes of uploaded and written files lie: one file each, named by its id, beside the store."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import BinaryIO

from batch.jobs import DAY, LARGEST_FILE
from router.errors import StoreAway, TooLarge


class FolderShelf:
    """A folder of files. A file appears under its id once it is whole, or not at all."""

    def __init__(self, folder: Path, *, largest: int = LARGEST_FILE) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._largest = folder, largest

    def path(self, file_id: str) -> Path:
        return self.folder / file_id

    async def receive(self, file_id: str, chunks: AsyncIterator[bytes]) -> int:
        """Keep what arrives and return its size; raise `TooLarge` beyond the limit, keeping nothing."""
        size = 0
        with self.writing(file_id) as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > self._largest:
                    raise TooLarge(f"The file is larger than {self._largest >> 20} MiB.")
                # In a thread: the disk may be slow, and others are served meanwhile.
                await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(_forced, file)
        return size

    def write(self, file_id: str, lines: Iterable[bytes]) -> int:
        """Write lines, and return the size of the file."""
        with self.writing(file_id) as file:
            for line in lines:
                file.write(line + b"\n")
            return file.tell()

    def read(self, file_id: str, offset: int, length: int) -> bytes:
        with self.path(file_id).open("rb") as file:
            return os.pread(file.fileno(), length, offset)

    def drop(self, file_id: str) -> None:
        with suppress(FileNotFoundError):
            self.path(file_id).unlink()

    def tidy(self, now: float, known: Callable[[str], bool]) -> None:
        """Drop what processes that died have left: half a file, or a whole one that nobody was told of."""
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < now - DAY and not known(path.name):
                    path.unlink()

    @contextmanager
    def writing(self, file_id: str) -> Iterator[BinaryIO]:
        """Give a file to write to, which is there under its id once the block ends well."""
        # A name of its own: two processes may fetch the same file at once.
        unfinished = self.folder / f"{file_id}.{secrets.token_hex(4)}.part"
        try:
            with unfinished.open("wb") as file:
                yield file
                _forced(file)
            unfinished.rename(self.path(file_id))
        except BaseException as error:
            with suppress(FileNotFoundError):
                unfinished.unlink()
            if isinstance(error, OSError) and error.errno in {ENOSPC, EDQUOT}:
                raise StoreAway("The disk has no room for the file.") from error
            raise


def _forced(file: BinaryIO) -> None:
    """Return once all of it is on the disk."""
    file.flush()
    os.fdatasync(file.fileno())
