"""What a batch may cost, kept to whatever is under way: the most a call can cost is held back before it."""

import asyncio
from collections.abc import Sequence

from batch.jobs import Batch
from policies.budgets.worst import most
from router.budget import Standing
from router.errors import OverBudget
from router.seams import Purse, Settle
from router.types import Attempt, Features, Model, Picodollars, Request

UNBOUNDED_ANSWER = 16_384
"""Tokens an answer is taken for that neither the request nor the model bounds."""


class Cap:
    """What a batch has spent and holds back, out of what it may cost."""

    def __init__(self, limit: Picodollars, spent: Picodollars) -> None:
        self.limit, self.spent, self.held = limit, spent, 0
        self._settled = asyncio.Condition()

    async def reserve(self, amount: Picodollars) -> None:
        """Hold `amount` back, waiting for others' calls to cost less than they might have.

        Raises `OverBudget` once even that would not make room.
        """
        async with self._settled:
            await self._settled.wait_for(lambda: self._fits(amount) or not self.held)
            if not self._fits(amount):
                raise OverBudget("The batch may not cost as much as this line could.", budget="batch")
            self.held += amount

    def settle(self, amount: Picodollars, cost: Picodollars) -> None:
        self.held -= amount
        self.spent += cost

    async def wake(self) -> None:
        """Let those who wait look again."""
        async with self._settled:
            self._settled.notify_all()

    def _fits(self, amount: Picodollars) -> bool:
        return self.spent + self.held + amount <= self.limit


class Capped:
    """A `Purse` within a batch's cap; what the key's own budgets say holds as well."""

    def __init__(self, purse: Purse, cap: Cap, request: Request) -> None:
        self._purse, self._cap, self._request = purse, cap, request
        self.refused: OverBudget | None = None
        self.unchecked = False

    async def reserve(self, features: Features, model: Model, /) -> Settle:
        held = most(self._request, features, model, output_tokens=UNBOUNDED_ANSWER)[0] or 0
        try:
            await self._cap.reserve(held)
            settle = await self._within(held, features, model)
        except OverBudget as error:
            self.refused = error
            raise
        finally:
            self.unchecked = self._purse.unchecked

        def book(attempt: Attempt, /) -> None:
            settle(attempt)
            charge = attempt.charge
            self._cap.settle(held, charge.bound if charge.bound is not None else charge.amount or 0)

        return book

    async def _within(self, held: Picodollars, features: Features, model: Model) -> Settle:
        try:
            return await self._purse.reserve(features, model)
        except BaseException:
            self._cap.settle(held, 0)
            raise

    async def booked(self) -> None:
        await self._purse.booked()

    def standings(self) -> Sequence[Standing]:
        return self._purse.standings()


class Caps:
    """The caps of batches under way in this process, which is the only one that works on them."""

    def __init__(self) -> None:
        self._caps: dict[str, Cap] = {}

    def of(self, batch: Batch) -> Cap | None:
        if batch.max_cost is None:
            return None
        cap = self._caps.get(batch.id)
        if cap is None:
            cap = self._caps[batch.id] = Cap(batch.max_cost, batch.counts.spent)
        return cap
