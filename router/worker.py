"""One process that serves: the parts are built, the socket is inherited, and timers keep the house."""

import asyncio
import logging
import os
import signal
import socket
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from batch.lanes import Lanes
from batch.place import Place
from batch.pool import Pool
from batch.routes import BatchRoutes
from dashboards.live import page
from dashboards.metrics import Metrics
from router.clock import SystemClock
from router.config import Config, Watcher
from router.engines import pool_specs
from router.housekeeping import Housekeeping
from router.ids import Ids, secret_of
from router.parent import watch_parent
from router.server import Service


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
        self._work = work
        self._metrics = Metrics(shared=work.shared_metrics)
        config, clock = work.watcher.current, SystemClock()
        self._lanes = Lanes(
            Pool(pool_specs(config), work.data, clock), clock, patience=config.server.background_seconds
        )
        self._home = Housekeeping(
            work.watcher,
            work.data,
            f"worker_{os.getpid()}",
            sinks=[self._metrics],
            alarm=self._metrics.alarm,
            admit=self._lanes.admit,
        )
        self._stop = asyncio.Event()

    async def run(self) -> None:
        await self._home.keep(self._serve)

    async def _serve(self) -> None:
        server = self._home.config.server
        runner = web.AppRunner(
            self._service().application(),
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
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._home.force)
        watch_parent(loop, self._stop.set)
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._lanes.look())
            await self._stop.wait()
            await runner.cleanup()
            looking.cancel()

    def _service(self) -> Service:
        config, ids = self._home.config, Ids(secret_of(self._work.data))
        return Service(
            lambda: self._home.house,
            clock=self._home.clock,
            ids=ids,
            metrics=self._metrics.expose,
            dashboard=partial(page, self._work.data) if _shows_dashboard(config) else None,
            max_body=config.server.max_body_mb << 20,
            routes=[self._batches(), self._home.outcomes(ids)],
        )

    def _batches(self) -> BatchRoutes:
        place = Place.within(self._work.data)
        return BatchRoutes(place.store(), place.shelf(), clock=self._home.clock)


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
