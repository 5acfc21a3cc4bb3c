"""One process that serves: the parts are built, the socket is inherited, and timers keep the house."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from dashboards.live import page
from dashboards.metrics import Metrics
from router.app import Household, gather, new_request_id
from router.clock import SystemClock
from router.config import Config, Watcher
from router.errors import FarthingError
from router.ledger.spool import Spool
from router.server import Service

log = logging.getLogger("farthing.worker")

SPOOL_TICK = 0.25
SYNC_EVERY = 0.2
WATCH_EVERY = 2.0

KEEP_UPSTREAM = 4.0
"""Seconds an idle connection to an upstream is kept: less than the five after which uvicorn closes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a worker is told at its start."""

    watcher: Watcher
    listener: socket.socket
    data: Path
    shared_metrics: bool = False


class Worker:
    """Serves until SIGTERM, or until whoever started it is gone."""

    def __init__(self, work: Work) -> None:
        self._config, self._work = work.watcher.current, work
        self._clock = SystemClock()
        self._metrics = Metrics(shared=work.shared_metrics)
        self._spool = Spool(work.data / "spool", f"worker_{os.getpid()}")
        self._stop = asyncio.Event()
        self._forced = False

    async def run(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_UPSTREAM)
        async with aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            self._parts = gather(session, self._clock, [self._spool, self._metrics])
            self._house = Household(self._config, self._parts)
            _settle_memory()
            try:
                await self._serve()
            finally:
                self._spool.close()

    async def _serve(self) -> None:
        server = self._config.server
        service = Service(
            lambda: self._house,
            clock=self._clock,
            new_id=new_request_id,
            metrics=self._metrics.expose,
            dashboard=partial(page, self._work.data) if _shows_dashboard(self._config) else None,
            max_body=server.max_body_mb << 20,
        )
        runner = web.AppRunner(
            service.application(),
            access_log=None,
            auto_decompress=False,
            logger=_quiet_logger(),
            handler_cancellation=True,  # a caller who leaves ends the upstream's work
            shutdown_timeout=server.shutdown_seconds,
            keepalive_timeout=75.0,
        )
        await runner.setup()
        site = web.SockSite(runner, self._work.listener)
        await site.start()
        self._watch_signals()
        async with asyncio.TaskGroup() as group:
            keepers = [
                group.create_task(self._every(SPOOL_TICK, self._tick)),
                group.create_task(self._every(SYNC_EVERY, self._sync)),
                group.create_task(self._every(WATCH_EVERY, self._look)),
            ]
            await self._stop.wait()
            await runner.cleanup()
            for keeper in keepers:
                keeper.cancel()

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await step()

    async def _tick(self) -> None:
        self._spool.tick()

    async def _sync(self) -> None:
        await asyncio.to_thread(self._spool.sync)

    async def _look(self) -> None:
        """Take a changed configuration if it is right; a wrong one leaves everything as it is."""
        force, self._forced = self._forced, False
        config = await asyncio.to_thread(self._work.watcher.poll, force=force)
        if config is None:
            return
        try:
            house = Household(config, self._parts)
        except FarthingError:
            log.exception("the changed configuration cannot be used; the old one stays in force")
            return
        self._house = house
        log.info("the changed configuration is in force")

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._force)
        # The pipe closes when the supervisor dies, however it dies.
        loop.add_reader(sys.stdin.fileno(), self._orphaned)

    def _force(self) -> None:
        """Read the file at the next look, changed or not."""
        self._forced = True

    def _orphaned(self) -> None:
        if not os.read(sys.stdin.fileno(), 1024):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._stop.set()


def _shows_dashboard(config: Config) -> bool:
    wanted = config.server.dashboard
    return config.server.loopback if wanted == "auto" else wanted


class _WithoutNoise(logging.Filter):
    """Passes over what strangers send that is not HTTP: they are answered 400, and would flood the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return kind is None or not issubclass(kind, HttpProcessingError)


def _quiet_logger() -> logging.Logger:
    logger = logging.getLogger("farthing.http")
    logger.addFilter(_WithoutNoise())
    return logger


def _settle_memory() -> None:
    """Tell the collector that what is here stays: it would look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
