"""Saying that this process lives, and taking over what dead ones held."""

import asyncio
import logging
from collections.abc import Mapping

from batch.heir import Heir
from batch.jobs import Claim
from batch.seams import Store
from router.errors import StoreAway

LEASE = 60.0
"""Seconds a process may be silent before others take over its lines; it speaks three times as often."""

log = logging.getLogger("farthing.batch")


class Leases:
    """Renews `claims`, those that `worker` works on; settles, and lets wait again, what others held.

    A claim whose answer was lost on the way from the store is among those that are not renewed.
    """

    def __init__(
        self, store: Store, heir: Heir, claims: Mapping[str, Claim], *, worker: str, lease: float = LEASE
    ) -> None:
        self._store, self._heir, self._claims = store, heir, claims
        self._worker, self._lease = worker, lease

    async def keep(self) -> None:
        """Do so until cancelled; a store that is away for a while ends no line that is under way."""
        while True:
            await asyncio.sleep(self._lease / 3)
            try:
                await asyncio.to_thread(self._store.renew, list(self._claims.values()))
                await self.take_over(silent=self._lease)
            except StoreAway as error:
                log.warning("nobody can be told that this process lives, which is tried again: %s", error)
            except Exception:
                # What was taken over and not settled falls silent, and is found again.
                log.exception("what others have left cannot be settled, which is tried again")

    async def take_over(self, *, worker: str | None = None, silent: float = 0) -> None:
        """Take over what `worker` holds, or whoever is silent, and let it wait again."""
        left = await asyncio.to_thread(self._store.take_over, self._worker, worker=worker, silent=silent)
        if left:
            log.warning("%d lines were under way when their process ended; they are tried again", len(left))
            await self._heir.settle(left)
