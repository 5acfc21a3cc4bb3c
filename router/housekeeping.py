"""What every process that answers requests does beside answering: a house that follows its configuration."""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import aiohttp

from router.app import Household, Parts, gather
from router.clock import SystemClock
from router.config import Config, Watcher
from router.errors import FarthingError
from router.learning.adapted import Living
from router.ledger.spool import Spool
from router.seams import Sink, Upstream

log = logging.getLogger("farthing.house")

SPOOL_TICK = 0.25
SYNC_EVERY = 0.2
WATCH_EVERY = 2.0

KEEP_UPSTREAM = 4.0
"""Seconds an idle connection to an upstream is kept: less than the five after which uvicorn closes it."""


class Housekeeping:
    """Builds the house, writes the spool, and takes a changed configuration while it serves.

    `name` is the spool's; `sinks` get what happens beside it; `admit` lets calls to upstreams through.
    """

    def __init__(
        self,
        watcher: Watcher,
        data: Path,
        name: str,
        *,
        sinks: Sequence[Sink] = (),
        admit: Callable[[Upstream], Upstream] | None = None,
    ) -> None:
        self.clock = SystemClock()
        self._watcher, self._admit, self._sinks = watcher, admit, sinks
        self._spool = Spool(data / "spool", name)
        self._forced = False
        self._house: Household | None = None
        self._parts: Parts | None = None
        self._learnt = Living(data, learns=watcher.current.learning.enabled)

    @property
    def config(self) -> Config:
        return self._watcher.current

    @property
    def house(self) -> Household:
        """What is in force now."""
        assert self._house is not None, "asked for before `keep`"
        return self._house

    def force(self) -> None:
        """Read the file at the next look, changed or not."""
        self._forced = True

    async def keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Build the house and keep it until `work` is done; what is in the spool by then is on the disk."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_UPSTREAM)
        async with aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            self._parts = self._gathered(session)
            self._house = Household(self.config, self._parts)
            _settle_memory()
            try:
                await self._beside_timers(work)
            finally:
                self._spool.close()

    def _gathered(self, session: aiohttp.ClientSession) -> Parts:
        parts = gather(session, self.clock, [self._spool, *self._sinks], predictor=self._learnt)
        return parts if self._admit is None else replace(parts, admit=self._admit)

    async def _beside_timers(self, work: Callable[[], Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as group:
            timers = [
                group.create_task(_every(SPOOL_TICK, self._tick)),
                group.create_task(_every(SYNC_EVERY, self._sync)),
                group.create_task(_every(WATCH_EVERY, self._look)),
            ]
            await work()
            for timer in timers:
                timer.cancel()

    async def _tick(self) -> None:
        self._spool.tick()

    async def _sync(self) -> None:
        await asyncio.to_thread(self._spool.sync)

    async def _look(self) -> None:
        """Take a changed configuration if it is right; a wrong one leaves everything as it is."""
        if await asyncio.to_thread(self._learnt.poll):
            log.info("what was learnt since is in force")
        force, self._forced = self._forced, False
        config = await asyncio.to_thread(self._watcher.poll, force=force)
        if config is None or self._parts is None:
            return
        try:
            house = Household(config, self._parts)
        except FarthingError:
            log.exception("the changed configuration cannot be used; the old one stays in force")
            return
        self._house = house
        log.info("the changed configuration is in force")


async def _every(seconds: float, step: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await step()


def _settle_memory() -> None:
    """Tell the collector that what is here stays: it would look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
