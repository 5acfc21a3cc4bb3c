"""What every process that answers requests does beside answering: a house that follows its configuration."""

import asyncio
import gc
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import aiohttp

from router.app import Household, Parts, counters_of, gather
from router.catalog.machines import Speeds
from router.clock import SystemClock
from router.config import Config, Watcher
from router.content import ContentStore
from router.errors import FarthingError
from router.ids import Ids
from router.keys import Key, KeyStore
from router.learning.adapted import Living
from router.learning.examples import Examples
from router.learning.folder import Folder
from router.ledger.kinds import OUTCOMES
from router.ledger.spool import Spool
from router.outcomes import OutcomeRoutes
from router.records import UserOutcome
from router.seams import Sink, Upstream

log = logging.getLogger("farthing.house")

SPOOL_TICK = 0.25
SYNC_EVERY = 0.2
WATCH_EVERY = 0.5
"""Seconds between two looks at the configuration and the keys: a revoked key is refused within them."""

SOON = 0.0005
"""Seconds after which one thread lets another run.

A thread that reads or writes the store of batches is woken after every step of it, and others wait until it
is done: with Python's five milliseconds, a cancel takes as long as the busy loop lets it wait each time.
"""

KEEP_UPSTREAM = 4.0
"""Seconds an idle connection to an upstream is kept: less than the five after which uvicorn closes it."""


class Housekeeping:
    """Builds the house, writes the spool, and takes a changed configuration while it serves.

    `name` is the spool's; `sinks` get what happens beside it; `admit` lets calls to upstreams through;
    `alarm` is told the policy whose promise is broken, and when it holds again.
    """

    def __init__(
        self,
        watcher: Watcher,
        data: Path,
        name: str,
        *,
        sinks: Sequence[Sink] = (),
        admit: Callable[[str, Upstream], Upstream] | None = None,
        alarm: Callable[[str, bool], None] | None = None,
    ) -> None:
        self.clock = SystemClock()
        self._watcher, self._admit, self._sinks, self._alarm = watcher, admit, sinks, alarm
        self._spool = Spool(data / "spool", name)
        self._outcomes = Spool(data / "spool", name, OUTCOMES)
        self._data, self._keys = data, KeyStore(data)
        self._made: Sequence[Key] = ()
        self._hurry = asyncio.Event()
        self._house: Household | None = None
        self._parts: Parts | None = None
        self._speeds, self._name = Speeds(data), name
        self._learnt = Living(data, learns=watcher.current.learning.enabled)
        self._examples = Examples(Folder(data))

    @property
    def config(self) -> Config:
        return self._watcher.current

    @property
    def house(self) -> Household:
        """What is in force now."""
        assert self._house is not None, "asked for before `keep`"
        return self._house

    def force(self) -> None:
        """Read configuration and keys now, changed or not."""
        self._hurry.set()

    async def keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Build the house and keep it until `work` is done; what is in the spool by then is on the disk."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_UPSTREAM)
        async with aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            self._parts = self._gathered(session)
            self._made = self._keys.poll(force=True) or ()
            self._house = Household(self.config, self._parts, self._made)
            if self._house.ring is not None and not len(self._house.ring):
                log.warning("there is no key yet, so nobody can call: make one with `farthing keys create`")
            _settle_memory()
            sys.setswitchinterval(SOON)
            try:
                await self._beside_timers(work)
            finally:
                await self._parts.auditing.background.close()
                self._spool.close()
                self._outcomes.close()
                await self._parts.counters.close()

    def _gathered(self, session: aiohttp.ClientSession) -> Parts:
        sinks = [self._spool, *self._sinks]
        counters = counters_of(self.config, self._data, self.clock)
        parts = gather(
            session,
            self.clock,
            sinks,
            predictor=self._learnt,
            counters=counters,
            told=self._told,
            alarm=self._alarm,
        )
        self._examples.take(parts.auditing.promises.load)
        self._speeds.poll()
        content = ContentStore(self._data, self._name, clock=self.clock, days=self.config.server.content_days)
        parts = replace(parts, speeds=self._speeds, content=content)
        return parts if self._admit is None else replace(parts, admit=self._admit)

    def outcomes(self, ids: Ids) -> OutcomeRoutes:
        """The handler that takes what users made of answers."""
        assert self._parts is not None, "asked for before `keep`"
        return OutcomeRoutes(ids, self._parts.recent, self.clock, self._outcomes.write)

    async def audited(self, request_id: str) -> None:
        """Wait until nobody looks at the answer to a request any more."""
        assert self._parts is not None, "asked for before `keep`"
        await self._parts.auditing.background.finish(request_id)

    def _told(self, outcome: UserOutcome) -> None:
        self._outcomes.write((outcome,))

    async def _beside_timers(self, work: Callable[[], Awaitable[None]]) -> None:
        assert self._parts is not None, "gathered before"
        async with asyncio.TaskGroup() as group:
            timers = [
                group.create_task(self._parts.counters.keep()),
                group.create_task(_every(SPOOL_TICK, self._tick)),
                group.create_task(_every(SYNC_EVERY, self._sync)),
                group.create_task(self._watch()),
            ]
            await work()
            for timer in timers:
                timer.cancel()

    async def _tick(self) -> None:
        self._spool.tick()
        self._outcomes.tick()

    async def _sync(self) -> None:
        await asyncio.to_thread(self._spool.sync)
        await asyncio.to_thread(self._outcomes.sync)

    async def _watch(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), WATCH_EVERY)
            force = self._hurry.is_set()
            self._hurry.clear()
            await self._look_at_keys(force=force)
            await self._look(force=force)

    async def _look_at_keys(self, *, force: bool) -> None:
        """Take changed keys; a file that cannot be understood leaves them as they are."""
        try:
            made = await asyncio.to_thread(self._keys.poll, force=force)
        except (FarthingError, OSError):
            log.exception("the changed keys cannot be used; the old ones stay in force")
            return
        if made is not None:
            self._made = made
            self.house.rekey(made)

    async def _look(self, *, force: bool) -> None:
        """Take a changed configuration if it is right; a wrong one leaves everything as it is."""
        if await asyncio.to_thread(self._learnt.poll):
            log.debug("what was learnt since is in force")
        if self._parts is not None:
            self._examples.take(self._parts.auditing.promises.load)
        config = await asyncio.to_thread(self._watcher.poll, force=force)
        if await asyncio.to_thread(self._speeds.poll):
            config = config or self.config
            log.info("the speeds of own machines were measured anew")
        if config is None or self._parts is None:
            return
        try:
            house = Household(config, self._parts, self._made)
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
