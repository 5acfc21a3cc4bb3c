"""Accounts in the memory of one process: gone with it."""

import asyncio
from collections.abc import Sequence
from itertools import count

from policies.budgets.counters import Account, Count, Held, Short
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
        self._open: dict[str, list[_Account]] = {}
        self._numbers = count()

    async def reserve(self, accounts: Sequence[Account], amounts: Sequence[int], /) -> Held | Short:
        known = self._accounts
        found = [known.get(account.key) or self._begun(account) for account in accounts]
        counts = [(one.spent, one.held + amount) for one, amount in zip(found, amounts, strict=True)]
        for position, (account, (spent, held)) in enumerate(zip(accounts, counts, strict=True)):
            if spent + held > account.limit:
                return Short(position, Count(spent, held - amounts[position]))
        for one, amount in zip(found, amounts, strict=True):
            one.held += amount
        number = str(next(self._numbers))
        self._open[number] = found
        return Held(number, accounts, amounts, counts)

    def settle(self, held: Held, amounts: Sequence[int], /) -> None:
        for account, was, amount in zip(self._open.pop(held.id, ()), held.amounts, amounts, strict=False):
            account.held -= was
            account.spent += amount

    async def booked(self) -> None:
        return

    async def counts(self, accounts: Sequence[Account], /) -> Sequence[Count]:
        found = [self._accounts.get(account.key) for account in accounts]
        return [Count(a.spent, a.held) if a is not None else Count(0, 0) for a in found]

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
        self._open.clear()

    def _begun(self, account: Account) -> _Account:
        begun = self._accounts[account.key] = _Account(account.ends)
        return begun
