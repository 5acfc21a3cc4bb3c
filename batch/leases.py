"""Saying that this process lives, and taking back what dead ones held."""

import asyncio
import logging
from collections.abc import Callable

from batch.jobs import Batch, Claim
from batch.seams import Store
from batch.shelf import Shelf

LEASE = 60.0
"""Seconds a process may be silent before others take over its lines; it speaks three times as often."""

Book = Callable[[Batch, Claim, bytes, str], None]
"""Told of a call to a model whose process died before it could write it down."""

log = logging.getLogger("farthing.batch")


class Leases:
    """Renews what `worker` holds; lets wait again what others held who are silent."""

    def __init__(self, store: Store, shelf: Shelf, book: Book, *, worker: str, lease: float = LEASE) -> None:
        self._store, self._shelf, self._book = store, shelf, book
        self._worker, self._lease = worker, lease

    async def keep(self) -> None:
        """Do so until cancelled."""
        while True:
            await asyncio.sleep(self._lease / 3)
            await asyncio.to_thread(self._store.renew, self._worker)
            await self.take_back(silent=self._lease)

    async def take_back(self, *, worker: str | None = None, silent: float = 0) -> None:
        """Let lines wait again, and book the calls that were under way; see `Store.orphans`."""
        orphans = await asyncio.to_thread(self._store.orphans, worker=worker, silent=silent)
        for claim, model in orphans:
            batch = await asyncio.to_thread(self._store.batch, claim.batch)
            if model is not None and batch is not None:
                line = claim.line
                raw = await asyncio.to_thread(self._shelf.read, batch.input_file, line.offset, line.length)
                self._book(batch, claim, raw, model)
        if orphans:
            log.warning("%d lines were under way when their process died; they are tried again", len(orphans))
