"""Settling what a runner left behind that was stopped, or killed.

Each call that was under way is booked once: as the dead process still could, or else as lost.
Whoever settles may be killed too; the next one finds what is booked by then, and books the rest.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeAlias

from batch.answering import Answerer, given_up, request_id_of
from batch.jobs import Batch, Claim
from batch.seams import Shelf, Store
from router.errors import FarthingError
from router.types import Picodollars

MOST_DEATHS = 10
"""Tries of a line that ended with their process, after which it may be the line that ends processes."""


class Row(Protocol):
    """A booked attempt: what it cost, `None` if nobody knows, and whether it was the last of its request."""

    @property
    def cost(self) -> Picodollars | None: ...

    @property
    def final(self) -> bool: ...


Booked: TypeAlias = Callable[[Collection[str]], Mapping[str, Sequence[Row]]]
"""Tells which attempts of these requests are in the books; blocks."""

log = logging.getLogger("farthing.batch")


class Heir:
    """Takes claims with the models each had asked, books what is not booked, lets the lines wait again."""

    def __init__(self, store: Store, shelf: Shelf, answerer: Answerer, booked: Booked) -> None:
        self._store, self._shelf, self._answerer, self._booked = store, shelf, answerer, booked

    async def settle(self, left: Sequence[tuple[Claim, Sequence[str]]]) -> None:
        asked = [request_id_of(claim) for claim, models in left if models]
        booked = await asyncio.to_thread(self._known, asked) if asked else {}
        for claim, models in left:
            batch = await asyncio.to_thread(self._store.batch, claim.batch)
            if batch is not None:
                await self._settle(batch, claim, models, booked.get(request_id_of(claim), ()))

    def _known(self, request_ids: Collection[str]) -> Mapping[str, Sequence[Row]]:
        try:
            return self._booked(request_ids)
        except (FarthingError, OSError) as error:
            # Rather twice than not at all: what is lost is a bound.
            log.warning("what is booked cannot be looked up, so all of it is booked as lost: %s", error)
            return {}

    async def _settle(self, batch: Batch, claim: Claim, models: Sequence[str], booked: Sequence[Row]) -> None:
        lost = models[len(booked) :]
        if lost:
            answered = any(row.final for row in booked)
            raw = await self._raw(batch, claim)
            self._answerer.book_lost(batch, claim, raw, lost, len(booked) + 1, answered=answered)
        known = [row.cost for row in booked if row.cost is not None]
        spent = sum(known) if known else None
        if models and claim.tries >= MOST_DEATHS:
            await asyncio.to_thread(self._store.complete, [(claim, given_up(claim, spent))])
        else:
            await asyncio.to_thread(self._store.give_back, claim, cost=spent, lost=bool(lost))

    async def _raw(self, batch: Batch, claim: Claim) -> bytes:
        try:
            return await asyncio.to_thread(
                self._shelf.read, batch.input_file, claim.line.offset, claim.line.length
            )
        except OSError:
            return b""
