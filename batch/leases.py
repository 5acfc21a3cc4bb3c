"""Saying that this process lives, and taking over what dead ones held."""

import asyncio
import logging

from batch.heir import Heir
from batch.seams import Store

LEASE = 60.0
"""Seconds a process may be silent before others take over its lines; it speaks three times as often."""

log = logging.getLogger("farthing.batch")


class Leases:
    """Renews what `worker` holds; settles, and lets wait again, what others held who are silent."""

    def __init__(self, store: Store, heir: Heir, *, worker: str, lease: float = LEASE) -> None:
        self._store, self._heir, self._worker, self._lease = store, heir, worker, lease

    async def keep(self) -> None:
        """Do so until cancelled."""
        while True:
            await asyncio.sleep(self._lease / 3)
            await asyncio.to_thread(self._store.renew, self._worker)
            await self.take_over(silent=self._lease)

    async def take_over(self, *, worker: str | None = None, silent: float = 0) -> None:
        """Take over what `worker` holds, or whoever is silent, and let it wait again."""
        left = await asyncio.to_thread(self._store.take_over, self._worker, worker=worker, silent=silent)
        if left:
            log.warning("%d lines were under way when their process ended; they are tried again", len(left))
            await self._heir.settle(left)
