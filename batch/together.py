"""Writing many small things in one transaction: group commit, with a thread of its own.

What is asked for while the thread writes waits and goes together into its next transaction.
So nobody waits for company, and a store whose every commit waits for a disk still takes thousands a second.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeAlias, TypeVar

from router.errors import StoreAway

T = TypeVar("T")
R = TypeVar("R")

MOST = 100
"""Things that are written at once, so that no transaction is long and whoever else writes has a turn."""

_Waiting: TypeAlias = list[tuple[T, asyncio.Future[R]]]


class Together(Generic[T, R]):
    """`write` writes all that it is given or nothing, and tells of each what came of it; it may block."""

    def __init__(self, write: Callable[[Sequence[T]], Sequence[R]]) -> None:
        self._write = write
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="together")
        self._waiting: _Waiting[T, R] = []
        self._writing: asyncio.Task[None] | None = None

    async def __call__(self, item: T, /) -> R:
        """Return what came of it once it is written; it is written also if whoever asks is cancelled."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write_all())
        return await asyncio.shield(done)

    async def close(self) -> None:
        """Return once all that was asked for is written, or could not be; then nothing may be asked for."""
        if self._writing is not None:
            await self._writing
        self._thread.shutdown(wait=False)

    async def _write_all(self) -> None:
        while some := self._waiting[:MOST]:
            del self._waiting[:MOST]
            await self._write_some(some)

    async def _write_some(self, some: _Waiting[T, R]) -> None:
        loop = asyncio.get_running_loop()
        try:
            told = await loop.run_in_executor(self._thread, self._write, [item for item, _ in some])
        except Exception as error:  # noqa: BLE001 - whoever asked is told of it
            if len(some) > 1 and not isinstance(error, StoreAway):
                # One that cannot be written holds up no other.
                for one in some:
                    await self._write_some([one])
                return
            for _, done in some:
                done.set_exception(error)
                done.exception()  # so that nobody is told of it who was cancelled meanwhile
        else:
            for (_, done), result in zip(some, told, strict=True):
                done.set_result(result)
