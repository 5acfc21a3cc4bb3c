"""Accounts in the memory of one process: gone with it."""

import asyncio
from collections.abc import Sequence
from itertools import count

from policies.budgets.counters import Claim, Count, Held, Short
from router.seams import Clock

SWEEP_EVERY = 60.0
"""Seconds between two looks for accounts whose window is over."""


class _Account:
    __slots__ = ("ends", "held", "spent")

    def __init__(self, ends: float) -> None:
        self.spent, self.held, self.ends = 0, 0, ends


class MemoryCounters:
    """Counters for tests, and for a process that need not remember."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._open: set[str] = set()
        self._numbers = count()

    async def reserve(self, claims: Sequence[Claim], /) -> Held | Short:
        accounts = [self._account(claim) for claim in claims]
        for position, (claim, account) in enumerate(zip(claims, accounts, strict=True)):
            if account.spent + account.held + claim.amount > claim.limit:
                return Short(position=position, count=Count(account.spent, account.held))
        for claim, account in zip(claims, accounts, strict=True):
            account.held += claim.amount
        held = Held(
            id=str(next(self._numbers)),
            claims=tuple(claims),
            counts=tuple(Count(account.spent, account.held) for account in accounts),
        )
        self._open.add(held.id)
        return held

    def settle(self, held: Held, amounts: Sequence[int], /) -> None:
        if held.id not in self._open:
            return
        self._open.remove(held.id)
        for claim, amount in zip(held.claims, amounts, strict=True):
            account = self._account(claim)
            account.held -= claim.amount
            account.spent += amount

    async def booked(self) -> None:
        return

    async def counts(self, claims: Sequence[Claim], /) -> Sequence[Count]:
        accounts = [self._accounts.get(claim.key) for claim in claims]
        return [Count(a.spent, a.held) if a is not None else Count(0, 0) for a in accounts]

    async def keep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            self.sweep()

    def sweep(self) -> None:
        """Forget accounts whose window is over and for which nothing is under way."""
        now = self._clock.now().timestamp()
        over = [key for key, account in self._accounts.items() if account.ends <= now and not account.held]
        for key in over:
            del self._accounts[key]

    async def close(self) -> None:
        self._accounts.clear()

    def _account(self, claim: Claim) -> _Account:
        account = self._accounts.get(claim.key)
        if account is None:
            account = self._accounts[claim.key] = _Account(claim.ends)
        return account
