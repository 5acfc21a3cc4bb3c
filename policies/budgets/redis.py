"""Accounts shared by many machines, in Redis or Valkey; the one door to redis-py.

All that a process asks goes through one connection (`wire.py`), without waiting for earlier answers:
what is asked first is done first, so what was reserved for a caller who has left is given back right after.
"""

import asyncio
import hashlib
import logging
import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from itertools import count
from types import MappingProxyType
from typing import Any

import hiredis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from policies.budgets.counters import Account, Count, Held, Short, Unavailable
from policies.budgets.wire import Question, Wire, packed
from router.seams import Clock

log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds after which Redis counts as away."""

RETRY_EVERY = 0.25
"""Seconds between two tries to reach a Redis that is away."""

UNSENT = 100_000
"""Settlements that wait for Redis to come back; beyond them the oldest are left to expire."""

REMEMBERED = 10_000
"""Callers whose keys are kept ready."""


def _script(*parts: str) -> str:
    return "".join(files(__package__).joinpath(f"{part}.lua").read_text() for part in parts)


SCRIPTS: Mapping[str, str] = MappingProxyType(
    {"reserve": _script("sweep", "reserve"), "settle": _script("settle"), "sweep": _script("sweep")}
)

DIGESTS: Mapping[str, bytes] = MappingProxyType(
    {
        name: hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest().encode()
        for name, script in SCRIPTS.items()
    }
)
"""What Redis calls each script."""


class RedisCounters:
    """Counters over `url`; what is held is given back `expires` seconds after it was, if its process is gone.

    Scripts count with doubles, exact to 9.0e15: money is kept there in nano-dollars, rounded up,
    so that an account is exact to nine million dollars.
    """

    def __init__(self, url: str, *, prefix: str, expires: float, clock: Clock) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, protocol=2
        )
        # One tag for all: in a cluster, the keys of a script must lie in one slot.
        self._prefix, self._expires, self._clock = f"{{{prefix}}}:", expires, clock
        self._process, self._numbers = secrets.token_hex(8), count()
        self._keys = lru_cache(REMEMBERED)(self._named)
        self._open: set[str] = set()
        self._waiting: deque[Question] = deque()
        self._wire: Wire | None = None
        self._connection: Any = None
        self._connecting: asyncio.Task[None] | None = None
        self._away = False
        self._settling: Question | None = None

    async def reserve(self, accounts: Sequence[Account], amounts: Sequence[int], /) -> Held | Short:
        held, accounts = f"{self._process}-{next(self._numbers)}", tuple(accounts)
        now = self._clock.now().timestamp()
        arguments: list[str | int | float] = [held, now, now + self._expires]
        for account, amount in zip(accounts, amounts, strict=True):
            grain = account.grain
            arguments += (account.limit // grain, -(-amount // grain), int(account.ends) + 60)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._ask(Question(self._called("reserve", accounts, arguments), answer=answer))
        self._open.add(held)
        try:
            told = await answer
        except asyncio.CancelledError:
            self._give_back(held, accounts, amounts)  # held by now or not: this is asked after it
            raise
        if isinstance(told, Exception):
            self._give_back(held, accounts, amounts)  # it may have been done, and the answer been lost
            raise Unavailable(f"Redis: {told}")
        if told[0]:
            self._open.discard(held)
            position = told[0] - 1
            return Short(position, Count(*_stands(accounts[position], told[1], told[2])))
        stands = zip(accounts, told[1::2], told[2::2], strict=True)
        return Held(held, accounts, amounts, [_stands(*each) for each in stands])

    def settle(self, held: Held, amounts: Sequence[int], /) -> None:
        if held.id not in self._open:
            return
        self._open.discard(held.id)
        arguments: list[str | int | float] = [held.id]
        for account, was, amount in zip(held.accounts, held.amounts, amounts, strict=True):
            arguments += (-(-was // account.grain), -(-amount // account.grain))
        self._settling = Question(self._called("settle", tuple(held.accounts), arguments), lasting=True)
        self._ask(self._settling)

    async def booked(self) -> None:
        last = self._settling
        if last is None:
            return
        if last.answer is None:
            last.answer = asyncio.get_running_loop().create_future()
        await asyncio.shield(last.answer)  # others may wait for it too

    async def counts(self, accounts: Sequence[Account], /) -> Sequence[Count]:
        # Else what was held by a process that is gone would show until somebody reserves.
        _ = self._put(self._called("sweep", (), ["", self._clock.now().timestamp()]))
        keys = self._keys(tuple(accounts))[2:]
        rows = [self._put(packed("HMGET", key, "spent", "held")) for key in keys]
        found = await asyncio.gather(*rows)
        failed = next((row for row in found if isinstance(row, Exception)), None)
        if failed is not None:
            raise Unavailable(f"Redis: {failed}")
        stands = zip(accounts, found, strict=True)
        return [Count(*_stands(account, *(int(n or 0) for n in row))) for account, row in stands]

    async def keep(self) -> None:
        await asyncio.Event().wait()  # Redis keeps itself, and the scripts sweep

    async def close(self) -> None:
        if self._wire is not None or self._waiting:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._put(packed("PING")), 2 * PATIENCE)
        if self._connecting is not None:
            self._connecting.cancel()
        await self._hang_up()
        await self._redis.aclose()

    def _named(self, accounts: tuple[Account, ...]) -> tuple[bytes, ...]:
        accounted = (f"{self._prefix}{account.key}" for account in accounts)
        named = (f"{self._prefix}reservations", f"{self._prefix}expired", *accounted)
        return tuple(key.encode() for key in named)

    def _called(
        self, script: str, accounts: tuple[Account, ...], arguments: Sequence[str | int | float]
    ) -> bytes:
        keys = self._keys(accounts)
        return packed("EVALSHA", DIGESTS[script], len(keys), *keys, *arguments)

    def _give_back(self, held: str, accounts: Sequence[Account], amounts: Sequence[int]) -> None:
        self.settle(Held(held, accounts, amounts, ()), [0] * len(accounts))

    def _put(self, command: bytes) -> "asyncio.Future[Any]":
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._ask(Question(command, answer=answer))
        return answer

    def _ask(self, question: Question) -> None:
        if self._wire is not None:
            self._wire.ask(question)
            return
        self._waiting.append(question)
        if len(self._waiting) > UNSENT:
            log.error("a settlement is left to expire: Redis has been away for too long")
            self._waiting.popleft().told(ConnectionError("it has been away for too long"))
        if self._connecting is None:
            self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        """Try until there is a connection, or nothing is left to ask on it."""
        try:
            await self._hang_up()
            while self._waiting:
                try:
                    pool: Any = self._redis.connection_pool  # its types are incomplete
                    self._connection = await pool.get_connection()
                except (RedisError, OSError) as error:
                    self._gone(self._waiting, error)
                    await asyncio.sleep(RETRY_EVERY)
                    continue
                # It has no public door to its transport.
                transport = self._connection._writer.transport  # noqa: SLF001
                self._wire = Wire(transport, self._heard, self._lost, patience=PATIENCE)
                self._away = False
                self._tell_scripts(self._wire)
                waiting, self._waiting = self._waiting, deque()
                for question in waiting:
                    self._wire.ask(question)
                return
        finally:
            self._connecting = None

    def _tell_scripts(self, wire: Wire) -> None:
        for script in SCRIPTS.values():
            wire.ask(Question(packed("SCRIPT", "LOAD", script)))

    def _heard(self, question: Question, answer: object) -> None:
        if isinstance(answer, hiredis.ReplyError) and str(answer).startswith("NOSCRIPT") and self._wire:
            self._tell_scripts(self._wire)  # it has forgotten them
            self._wire.ask(question)
            return
        if question is self._settling:
            self._settling = None
        question.told(answer)

    def _lost(self, left: "deque[Question]", error: Exception) -> None:
        """Tell those who wait, and ask on the next connection what has to be told."""
        self._wire = None
        self._gone(left, error)
        if self._waiting and self._connecting is None:
            self._connecting = asyncio.ensure_future(self._again())

    async def _again(self) -> None:
        await asyncio.sleep(RETRY_EVERY)
        await self._connect()

    async def _hang_up(self) -> None:
        line, self._connection, wire, self._wire = self._connection, None, self._wire, None
        if wire is not None:
            wire.end(ConnectionError("it was closed here"))
        if line is not None:
            with suppress(RedisError, OSError):
                await line.disconnect()
            await self._redis.connection_pool.release(line)

    def _gone(self, left: "deque[Question]", error: Exception) -> None:
        if left and not self._away:
            log.error("Redis does not answer: %s", error)
        self._away = bool(left)
        for question in left:
            question.told(error)
            question.answer = None
        kept = [question for question in left if question.lasting]
        if left is self._waiting:
            self._waiting = deque(kept)
        else:
            self._waiting.extendleft(reversed(kept))


def _stands(account: Account, spent: int, held: int) -> tuple[int, int]:
    return spent * account.grain, held * account.grain
