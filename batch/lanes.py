"""The lanes of a process that serves: who waits for an answer goes at once, who can wait does.

A request that can wait (`service_tier: flex`) goes when its engine has room beside those that cannot,
and at its deadline in any case: a late answer is worth more than none.
"""

import asyncio
from contextlib import AsyncExitStack, aclosing, suppress

from batch.admission import Paces, given_way
from batch.pool import Pool
from router.seams import Clock, Stream, Upstream
from router.types import Lane, Model, Request

NOTE_EVERY = 1.0
"""Seconds between two notes that somebody waits; they hold ten times as long."""


class Laned:
    """An `Upstream` with two ways in."""

    def __init__(
        self, name: str, upstream: Upstream, *, pool: Pool, paces: Paces, clock: Clock, patience: float
    ) -> None:
        self._name, self._upstream, self._pool, self._paces = name, upstream, pool, paces
        self._clock, self._patience = clock, patience
        self._noted = float("-inf")

    async def send(self, request: Request, model: Model, /) -> Stream:
        if request.lane is Lane.INTERACTIVE:
            self._note()
            async with aclosing(self._upstream.send(request, model)) as stream:
                async for item in stream:
                    self._note()  # a stream is waited for to its end
                    yield item
            return
        self._pool.want(self._name)
        async with AsyncExitStack() as stack:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await stack.enter_async_context(self._paces.of(model).turn())
            gate = self._pool.gates[self._name]
            gate.begun()
            stack.callback(gate.over)
            stream = await stack.enter_async_context(
                aclosing(self._upstream.send(given_way(request, gate), model))
            )
            async for item in stream:
                yield item

    async def close(self) -> None:
        await self._upstream.close()

    def _note(self) -> None:
        now = self._clock.monotonic()
        if now - self._noted >= NOTE_EVERY:
            self._noted = now
            self._pool.want(self._name)
            self._pool.note_interactive(self._name)


class Lanes:
    """Puts the two ways in front of every engine of one's own; other upstreams have one."""

    def __init__(self, pool: Pool, clock: Clock, *, patience: float) -> None:
        self._pool, self._clock, self._patience = pool, clock, patience
        self._paces = Paces(pool.gates, clock)

    def admit(self, name: str, upstream: Upstream) -> Upstream:
        if name not in self._pool.specs:
            return upstream
        return Laned(
            name,
            upstream,
            pool=self._pool,
            paces=self._paces,
            clock=self._clock,
            patience=self._patience,
        )

    async def look(self) -> None:
        """Watch the engines until cancelled; returns at once if there are none."""
        if self._pool.specs:
            await self._pool.lookout(self._paces.wake).run()
