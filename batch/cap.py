"""What a batch may cost, held by the store: the most a call can cost is held back there before it.

So the cap holds whoever works on the batch: lines at once, a process that was killed, other machines.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from weakref import WeakValueDictionary

from batch.jobs import Batch, Claim, Room
from batch.seams import Store
from policies.budgets.refusals import unpriced
from policies.budgets.worst import most
from router.budget import Standing
from router.errors import OverBudget, StoreAway
from router.seams import Purse, Settle
from router.types import Attempt, Features, Model, Picodollars, Request

UNBOUNDED_ANSWER = 16_384
"""Tokens an answer is taken for that neither the request nor the model bounds."""

LOOK_EVERY = 0.25
"""Seconds between two looks whether another machine's calls have cost less than they might have."""


class Turnstile:
    """Where the calls of one batch wait for room.

    Lines that hold nothing yet wait one after another, so that one looks and the rest wait.
    A line that asks for more while its answer is not paid yet, for a check of it, goes before them.
    It waits only while another line is at work and will give something back: else each would wait for the
    other, for ever.
    """

    def __init__(self, store: Store, limit: Picodollars) -> None:
        self._store, self._limit = store, limit
        self._first = asyncio.Lock()
        self._settled = asyncio.Event()
        self._lines: set[Cap] = set()  # those that hold something

    async def reserve(self, line: "Cap", amount: Picodollars) -> None:
        """Hold `amount` back, waiting for other calls to cost less than they might have.

        Raises `OverBudget` once even that would not make room.
        """
        if line.calls:
            await self._beside(line, amount)
        else:
            await self._in_turn(line, amount)
        line.calls += 1
        self._lines.add(line)

    def settled(self, line: "Cap") -> None:
        """Note that a call is over for which `line` holds something."""
        line.calls -= 1
        if not line.calls:
            self._lines.discard(line)

    def wake(self) -> None:
        """Let who waits look again."""
        self._settled.set()

    async def _in_turn(self, line: "Cap", amount: Picodollars) -> None:
        async with self._first:
            while not await self._held(line, amount):
                await self._wait()
                while any(each.waiting for each in self._lines):
                    self._settled.clear()
                    await self._wait()

    async def _beside(self, line: "Cap", amount: Picodollars) -> None:
        while not await self._held(line, amount):
            line.waiting += 1
            try:
                if not any(each.at_work for each in self._lines):
                    raise _too_much()
                await self._wait()
            finally:
                line.waiting -= 1

    async def _held(self, line: "Cap", amount: Picodollars) -> bool:
        self._settled.clear()
        asked = asyncio.ensure_future(
            asyncio.to_thread(self._store.reserve, line.claim, amount, limit=self._limit)
        )
        try:
            room = await asyncio.shield(asked)
        except asyncio.CancelledError:
            with suppress(StoreAway):
                if await asked is Room.HELD:
                    line.returned(amount)  # to a line that is asked again elsewhere, it would be in the way
            raise
        if room is Room.SPENT:
            raise _too_much()
        return room is Room.HELD

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await self._settled.wait()
        except TimeoutError:
            return


def _too_much() -> OverBudget:
    return OverBudget("The batch may not cost as much as this line could.", budget="batch")


class Cap:
    """What one line may spend of what its batch may cost.

    `calls` are those for which something is held, `waiting` those that wait for room beside them.
    `unknown` is what calls may have cost beyond what is known of them: that of a lost call counts, too.
    """

    def __init__(self, store: Store, claim: Claim, turnstile: Turnstile) -> None:
        self.claim, self.calls, self.waiting = claim, 0, 0
        self.unknown: Picodollars = 0
        self._store, self._turnstile = store, turnstile
        self._over: list[tuple[Picodollars, Picodollars]] = []

    @property
    def at_work(self) -> bool:
        """Whether something will be given back though nobody gets room: a call that waits for no check."""
        return self.calls > (1 if self.waiting else 0)

    async def reserve(self, amount: Picodollars) -> None:
        """See `Turnstile.reserve`."""
        await self.booked()
        await self._turnstile.reserve(self, amount)

    def settle(self, amount: Picodollars, cost: Picodollars) -> None:
        """Note what a call has cost for which `amount` is held; the store is told by `booked`."""
        self._over.append((amount, cost))
        self._turnstile.settled(self)

    def book(self, attempt: Attempt, held: Picodollars) -> None:
        """Note what became of a call for which so much was held; one that broke off may be billed whole."""
        charge = attempt.charge
        cost = charge.amount if charge.amount is not None else held
        most = charge.bound if charge.bound is not None else cost
        if charge.amount is None:
            self.unknown += held
        elif attempt.reply is None or not attempt.reply.complete:
            self.unknown += max(0, min(most, held) - cost)
        self.settle(held, most)

    def returned(self, amount: Picodollars) -> None:
        """Note that `amount` is held for a call that was not made."""
        self._over.append((amount, 0))

    def total(self, known: Picodollars | None) -> Picodollars | None:
        """Give what a try counts as, of which so much is `known`."""
        return (known or 0) + self.unknown if self.unknown else known

    async def booked(self) -> None:
        """Tell the store what was settled.

        If nobody comes to this, what is held stays held until the claim ends, and then counts as spent.
        """
        while self._over:
            amount, cost = self._over.pop()
            try:
                await asyncio.to_thread(self._store.settle, self.claim, amount, cost)
            except StoreAway:
                self._over.append((amount, cost))
                raise
        self._turnstile.wake()


class Capped:
    """A `Purse` within a batch's cap; what the key's own budgets say holds as well."""

    def __init__(self, purse: Purse, cap: Cap) -> None:
        self._purse, self._cap = purse, cap
        self.refused: OverBudget | None = None
        self.unchecked = False

    async def reserve(self, asked: Request, features: Features, model: Model, /) -> Settle:
        held = most(asked, features, model, output_tokens=UNBOUNDED_ANSWER)[0]
        try:
            if held is None:
                raise unpriced(model)
            await self._cap.reserve(held)
            settle = await self._within(held, asked, features, model)
        except OverBudget as error:
            self.refused = error
            raise
        finally:
            self.unchecked = self._purse.unchecked

        def book(attempt: Attempt, /) -> None:
            settle(attempt)
            self._cap.book(attempt, held)

        return book

    async def _within(self, held: Picodollars, asked: Request, features: Features, model: Model) -> Settle:
        try:
            return await self._purse.reserve(asked, features, model)
        except BaseException:
            self._cap.settle(held, 0)
            raise

    async def booked(self) -> None:
        with suppress(StoreAway):  # the answer has been paid for, and the end of the claim settles all
            await self._cap.booked()
        await self._purse.booked()

    def standings(self) -> Sequence[Standing]:
        return self._purse.standings()


class Caps:
    """The caps of the lines this process works on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Gone with the last line of its batch that is under way.
        self._turnstiles: WeakValueDictionary[str, Turnstile] = WeakValueDictionary()

    def of(self, batch: Batch, claim: Claim) -> Cap | None:
        if batch.max_cost is None:
            return None
        turnstile = self._turnstiles.setdefault(batch.id, Turnstile(self._store, batch.max_cost))
        return Cap(self._store, claim, turnstile)
