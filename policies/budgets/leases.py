"""Accounts shared by the processes of one machine.

Each process takes a part of what may still be spent, spends it without asking anybody,
and gives back what it does not need: at once where another comes short, else when it is idle.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TypeVar

from policies.budgets.book import Book, Entry, Wish
from policies.budgets.counters import Account, Count, Held, Short, Unavailable
from policies.budgets.slots import Slots
from router.seams import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

TICK = 0.1
"""Seconds between two looks whether others come short."""

SOON = 0.005
"""Seconds until what is wanted elsewhere is given back, once it is known not to be needed."""

SWEEP_EVERY = 1.0
"""Seconds between two bookings of everything; what is idle by then is given back."""

RECALLED = 0.15
"""Seconds within which other processes give back what they do not need."""

RECALLS = 3


class Lease:
    """A process's part of an account: what was granted of it, used, and held for calls under way.

    `rest` is what was left for everybody when this was last granted some.
    """

    __slots__ = (
        "booked", "closing", "ends", "granted", "held", "idle", "key", "limit", "rest", "slot", "stale",
        "used",
    )  # fmt: skip

    def __init__(self, key: str, slot: int, ends: float) -> None:
        self.key, self.slot, self.ends = key, slot, ends
        self.closing = self.idle = False
        self.granted = self.used = self.held = self.booked = self.rest = self.limit = self.stale = 0

    @property
    def room(self) -> int:
        return self.granted - self.used - self.held

    def count(self) -> Count:
        """How the account stands, as far as is known here; `spent` has what others have of it."""
        return Count(self.limit - self.rest - max(0, self.room) - self.held, self.held)


class LeasedCounters:
    """Counters over the file in `folder`; it is opened when the first budget is asked."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self._leases: dict[str, Lease] = {}
        self._open: set[str] = set()
        self._numbers = count()
        self._turn, self._hurry = asyncio.Lock(), asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="budgets")
        self._slots: Slots | None = None
        self._book: Book | None = None

    async def reserve(self, accounts: Sequence[Account], amounts: Sequence[int], /) -> Held | Short:
        recalls = 0
        while True:
            claims = zip(accounts, amounts, strict=True)
            lacking = [claim for claim in claims if not self._has_room(*claim)]
            if not lacking:
                return self._hold(accounts, amounts)
            # Shielded: what is granted must be noted, also if the caller has left by then.
            short = await asyncio.shield(asyncio.ensure_future(self._fetch(lacking)))
            if short is None:
                continue
            account, seen, elsewhere = short
            if not elsewhere or recalls == RECALLS:
                return Short(accounts.index(account), seen)
            recalls += 1
            await asyncio.sleep(RECALLED)

    def settle(self, held: Held, amounts: Sequence[int], /) -> None:
        if held.id not in self._open or self._slots is None:
            return
        self._open.remove(held.id)
        for account, was, amount in zip(held.accounts, held.amounts, amounts, strict=True):
            lease = self._leases[account.key]
            lease.held -= was
            if amount:
                lease.used += amount
                self._slots.put(lease.slot, lease.used)
            if lease.idle and lease.room > 0:
                self._hurry.set()  # others came short of it lately

    async def booked(self) -> None:
        return  # it stands in the file already

    async def counts(self, accounts: Sequence[Account], /) -> Sequence[Count]:
        keys = [account.key for account in accounts]
        await self._book_all(sweeping=False)
        found = await self._in_thread(lambda book: book.counts(keys))
        # What the file has as granted is held here, and else where, or is still to be had.
        return [
            Count(seen.spent, seen.held - max(0, lease.room)) if (lease := self._leases.get(key)) else seen
            for key, seen in zip(keys, found, strict=True)
        ]

    async def keep(self) -> None:
        swept = self._clock.monotonic()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), TICK)
                await asyncio.sleep(SOON)  # with what else is settled by then
            self._hurry.clear()
            now = self._clock.monotonic()
            sweeping = now - swept >= SWEEP_EVERY
            swept = now if sweeping else swept
            try:
                await self.tick(sweeping=sweeping)
            except Unavailable as error:
                log.error("what is spent cannot be booked just now: %s", error)  # noqa: TRY400

    async def tick(self, *, sweeping: bool) -> None:
        """Give back what others want, or book everything."""
        if self._book is None:
            return
        if sweeping:
            await self._book_all(sweeping=True)
        elif self._leases:
            await self.give_back()

    async def give_back(self) -> None:
        """Give back what others want and nobody here needs."""
        now = self._clock.now().timestamp()
        async with self._turn:
            wanted = set(await self._in_thread(lambda book: book.wanted(now)))
            wanted |= {key for key, lease in self._leases.items() if lease.idle and lease.room > 0}
            await self._enter([self._entry(self._leases[key], back=True) for key in wanted])

    async def close(self) -> None:
        """Book everything and give back the rest, what is held included."""
        if self._book is not None and self._slots is not None:
            for lease in self._leases.values():
                lease.held = 0
            entries = [self._entry(lease, back=True, over=True) for lease in self._leases.values()]
            await self._enter(entries)
            await self._in_thread(lambda book: book.close())
            self._slots.close()
            self._leases.clear()
            self._book = self._slots = None
        self._thread.shutdown()

    def _has_room(self, account: Account, amount: int) -> bool:
        lease = self._leases.get(account.key)
        return lease is not None and not lease.closing and lease.room >= amount

    def _hold(self, accounts: Sequence[Account], amounts: Sequence[int]) -> Held:
        counts = []
        for account, amount in zip(accounts, amounts, strict=True):
            lease = self._leases[account.key]
            lease.held += amount
            lease.stale, lease.limit = 0, account.limit
            counts.append(lease.count())
        number = str(next(self._numbers))
        self._open.add(number)
        return Held(number, accounts, amounts, counts)

    async def _fetch(self, claims: Sequence[tuple[Account, int]]) -> tuple[Account, Count, bool] | None:
        """Have the leases enlarged that do not suffice; give the first account that does not bear it."""
        now = self._clock.now().timestamp()
        async with self._turn:
            await self._opened()
            lacking = [claim for claim in claims if not self._has_room(*claim)]
            leases = [self._leases.get(account.key) or self._begin(account) for account, _ in lacking]
            wishes = [
                Wish(account.key, account.limit, amount - lease.room, account.ends, lease.slot)
                for (account, amount), lease in zip(lacking, leases, strict=True)
            ]
            grants = await self._in_thread(lambda book: book.grant(wishes, now)) if wishes else []
            for lease, grant in zip(leases, grants, strict=True):
                lease.granted += grant.granted
                lease.rest, lease.idle = grant.rest, lease.idle and not grant.granted
            for (account, amount), lease, grant in zip(lacking, leases, grants, strict=True):
                if not grant.granted and lease.room < amount:
                    spent, out = grant.stands
                    return account, Count(spent, out - max(0, lease.room)), grant.elsewhere
        return None

    def _begin(self, account: Account) -> Lease:
        assert self._slots is not None, "opened before"
        lease = self._leases[account.key] = Lease(account.key, self._slots.take(), account.ends)
        return lease

    async def _book_all(self, *, sweeping: bool) -> None:
        now = self._clock.now().timestamp()
        async with self._turn:
            if self._book is None:
                return
            entries = []
            for lease in list(self._leases.values()):
                idle = lease.stale >= 2 and not lease.held
                over = idle or (lease.ends <= now and not lease.held)
                lease.stale += sweeping
                if over or lease.used != lease.booked or lease.room < 0:
                    entries.append(self._entry(lease, back=over, over=over))
            await self._enter(entries)
            if sweeping:
                await self._in_thread(lambda book: book.sweep(now))

    def _entry(self, lease: Lease, *, back: bool, over: bool = False) -> Entry:
        """Note here what is about to be booked there: nobody may spend what is given back."""
        change = -lease.room if back or lease.room < 0 else 0
        lease.granted += change
        lease.rest -= change
        lease.closing, lease.idle = over, back
        used, lease.booked = lease.used - lease.booked, lease.used
        return Entry(lease.key, used, change, back, over)

    async def _enter(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        try:
            await self._in_thread(lambda book: book.enter(entries))
        except Unavailable:
            for entry in entries:
                self._undo(self._leases[entry.key], entry)
            raise
        for entry in entries:
            if entry.over and self._slots is not None:
                self._slots.release(self._leases.pop(entry.key).slot)

    def _undo(self, lease: Lease, entry: Entry) -> None:
        lease.granted -= entry.granted
        lease.rest += entry.granted
        lease.booked -= entry.used
        lease.closing = False

    async def _opened(self) -> None:
        if self._book is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._slots = Slots(self._folder)
            owner = self._slots.owner
            self._book = await self._call(lambda: Book(self._folder, owner))
            now = self._clock.now().timestamp()
            await self._in_thread(lambda book: book.sweep(now))

    async def _in_thread(self, work: Callable[[Book], T]) -> T:
        if self._book is None:
            await self._opened()
        book = self._book
        assert book is not None, "opened"
        return await self._call(lambda: work(book))

    async def _call(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"the accounts of this machine: {error}") from error
