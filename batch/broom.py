"""Dropping what nobody may read any more: files whose time is over, and bytes that no file has."""

from batch.jobs import File
from batch.seams import Shelf, Store
from router.seams import Clock


class Broom:
    """Sweeps a store and its shelf; a file that a batch still reads stays until the batch is over."""

    def __init__(self, store: Store, shelf: Shelf, clock: Clock) -> None:
        self._store, self._shelf, self._clock = store, shelf, clock

    def sweep(self) -> int:
        """Return how many files had expired; blocks."""
        now, count = self._clock.now().timestamp(), 0
        read = {batch.input_file for batch in self._store.under_way()}
        while gone := [file for file in self._store.expired_files(now=int(now)) if file.id not in read]:
            for file in gone:
                self._drop(file)
            count += len(gone)
        self._shelf.tidy(now, self._knows)
        self._store.purge()
        return count

    def _drop(self, file: File) -> None:
        # First its name: bytes without one are swept some day, a name without bytes would never be.
        self._store.drop_file(file.id)
        self._shelf.drop(file.id)

    def _knows(self, file_id: str) -> bool:
        return self._store.file(file_id) is not None
