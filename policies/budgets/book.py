"""The accounts of one machine, in SQLite: what is spent, and which process has which part of the rest.

A lease is a part of what an account may still spend, granted to one process.
Whatever a process does with it, spent and granted together never exceed the account's limit.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from policies.budgets.counters import Count
from policies.budgets.slots import owners, remains

FILE = "accounts.sqlite"

SHARE = 16
"""A process is granted at most this part of the rest at once, so that the others find some too."""

WANTED = 2.0
"""Seconds for which an account that came short is wanted: idle leases of it are given back at once."""

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS accounts (
    key TEXT PRIMARY KEY, spent INTEGER NOT NULL, ends REAL NOT NULL, wanted REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (
    key TEXT NOT NULL, owner TEXT NOT NULL, slot INTEGER NOT NULL,
    granted INTEGER NOT NULL,  -- in all, since the lease began
    booked INTEGER NOT NULL,   -- of that, what stands in the account's `spent` already
    idle INTEGER NOT NULL,     -- whether its owner keeps nothing of it that is not needed
    PRIMARY KEY (key, owner)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS leases_of_owner ON leases (owner);
"""


class Wish(NamedTuple):
    """`need` more is wanted of an account, for the lease at `slot`."""

    key: str
    limit: int
    need: int
    ends: float
    slot: int


class Grant(NamedTuple):
    """What came of a wish: how much was granted (0: the account does not bear it) and what is left then.

    `elsewhere` says that other processes may have some of the account that they do not need.
    """

    granted: int
    rest: int
    stands: Count
    elsewhere: bool


class Entry(NamedTuple):
    """What a process books on its lease: `used` since the last time, and the change of what is `granted`.

    `idle`: nothing is left of it beyond what is held. `over`: the lease ends.
    """

    key: str
    used: int
    granted: int
    idle: bool
    over: bool


class Book:
    """The file, as one process sees it; every method is one transaction, and may wait for other processes."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder, self._owner = folder, owner
        self._file = sqlite3.connect(
            folder / FILE, timeout=10.0, isolation_level=None, check_same_thread=False
        )
        self._file.executescript(SCHEMA)

    def grant(self, wishes: Sequence[Wish], now: float) -> list[Grant]:
        with self._transaction():
            return [self._grant(wish, now) for wish in wishes]

    def enter(self, entries: Sequence[Entry]) -> None:
        with self._transaction():
            for entry in entries:
                self._file.execute(
                    "UPDATE accounts SET spent = spent + ? WHERE key = ?", (entry.used, entry.key)
                )
                which = (entry.key, self._owner)
                if entry.over:
                    self._file.execute("DELETE FROM leases WHERE key = ? AND owner = ?", which)
                else:
                    self._file.execute(
                        "UPDATE leases SET booked = booked + ?, granted = granted + ?, idle = ? "
                        "WHERE key = ? AND owner = ?",
                        (entry.used, entry.granted, entry.idle, *which),
                    )

    def wanted(self, now: float) -> list[str]:
        """Name the accounts that others came short of, and that this process may have some of."""
        rows = self._file.execute(
            "SELECT key FROM leases JOIN accounts USING (key) WHERE owner = ? AND NOT idle AND wanted > ?",
            (self._owner, now - WANTED),
        )
        return [key for (key,) in rows]

    def counts(self, keys: Sequence[str]) -> list[Count]:
        return [self._count(key) for key in keys]

    def sweep(self, now: float) -> None:
        """Forget accounts whose window is over, and settle what dead processes have left."""
        with self._transaction():
            self._file.execute(
                "DELETE FROM accounts WHERE ends <= ? AND key NOT IN (SELECT key FROM leases)", (now,)
            )
        rows = self._file.execute("SELECT DISTINCT owner FROM leases").fetchall()
        for owner in ({owner for (owner,) in rows} | owners(self._folder)) - {self._owner}:
            self._settle(owner)

    def close(self) -> None:
        self._file.close()

    def _grant(self, wish: Wish, now: float) -> Grant:
        self._file.execute(
            "INSERT INTO accounts (key, spent, ends) VALUES (?, 0, ?) "
            "ON CONFLICT (key) DO UPDATE SET ends = max(ends, excluded.ends)",
            (wish.key, wish.ends),
        )
        count = self._count(wish.key)
        free = wish.limit - count.spent - count.held
        if free < wish.need:
            self._file.execute("UPDATE accounts SET wanted = ? WHERE key = ?", (now, wish.key))
            return Grant(0, free, count, self._elsewhere(wish.key))
        granted = max(wish.need, free // SHARE)
        self._file.execute(
            "INSERT INTO leases (key, owner, slot, granted, booked, idle) VALUES (?, ?, ?, ?, 0, 0) "
            "ON CONFLICT (key, owner) DO UPDATE SET granted = granted + excluded.granted, idle = 0",
            (wish.key, self._owner, wish.slot, granted),
        )
        return Grant(granted, free - granted, count, elsewhere=False)

    def _count(self, key: str) -> Count:
        spent = self._file.execute("SELECT spent FROM accounts WHERE key = ?", (key,)).fetchone()
        (out,) = self._file.execute(
            "SELECT coalesce(sum(granted - booked), 0) FROM leases WHERE key = ?", (key,)
        ).fetchone()
        return Count(spent[0] if spent else 0, out)

    def _elsewhere(self, key: str) -> bool:
        (some,) = self._file.execute(
            "SELECT EXISTS (SELECT 1 FROM leases WHERE key = ? AND owner <> ? AND NOT idle)",
            (key, self._owner),
        ).fetchone()
        return bool(some)

    def _settle(self, owner: str) -> None:
        """Book what a dead process has spent of its leases, and give back the rest."""
        with remains(self._folder, owner) as left:
            if left is None:
                return
            with self._transaction():
                rows = self._file.execute(
                    "SELECT key, slot, booked FROM leases WHERE owner = ?", (owner,)
                ).fetchall()
                for key, slot, booked in rows:
                    spent = left.value(slot) - booked
                    self._file.execute("UPDATE accounts SET spent = spent + ? WHERE key = ?", (spent, key))
                self._file.execute("DELETE FROM leases WHERE owner = ?", (owner,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")
