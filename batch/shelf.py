"""Where the bytes of uploaded and written files lie: one file each, named by its id, beside the store."""

import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from batch.jobs import LARGEST_FILE
from router.errors import TooLarge


class Shelf:
    """A folder of files. A file appears under its id once it is whole, or not at all."""

    def __init__(self, folder: Path, *, largest: int = LARGEST_FILE) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._largest = folder, largest

    def path(self, file_id: str) -> Path:
        return self._folder / file_id

    async def receive(self, file_id: str, chunks: AsyncIterator[bytes]) -> int:
        """Keep what arrives and return its size; raise `TooLarge` beyond the limit, keeping nothing."""
        size = 0
        with self._writing(file_id) as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > self._largest:
                    raise TooLarge(f"The file is larger than {self._largest >> 20} MiB.")
                file.write(chunk)
        return size

    def write(self, file_id: str, lines: Iterable[bytes]) -> int:
        """Write lines, and return the size of the file."""
        with self._writing(file_id) as file:
            for line in lines:
                file.write(line + b"\n")
            return file.tell()

    def read(self, file_id: str, offset: int, length: int) -> bytes:
        with self.path(file_id).open("rb") as file:
            return os.pread(file.fileno(), length, offset)

    def drop(self, file_id: str) -> None:
        with suppress(FileNotFoundError):
            self.path(file_id).unlink()

    @contextmanager
    def _writing(self, file_id: str) -> Iterator[BinaryIO]:
        unfinished = self._folder / f"{file_id}.part"
        try:
            with unfinished.open("wb") as file:
                yield file
                file.flush()
                os.fdatasync(file.fileno())
            unfinished.rename(self.path(file_id))
        except BaseException:
            with suppress(FileNotFoundError):
                unfinished.unlink()
            raise
