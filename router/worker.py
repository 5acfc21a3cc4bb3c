"""One process that serves: the parts are built, the socket is inherited, and timers keep the house."""

import asyncio
import importlib
import logging
import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from batch.background import Background
from batch.lanes import Lanes
from batch.place import Place
from batch.pool import Pool
from batch.routes import BatchRoutes
from dashboards.live import Reader
from dashboards.metrics import Metrics
from dashboards.web import Dashboard
from policies.policy import RoutedPolicy
from router.clock import SystemClock
from router.config import Config, Watcher
from router.door import auditor_of
from router.engines import pool_specs
from router.errors import ConfigError
from router.housekeeping import Housekeeping
from router.ids import Ids, secret_of
from router.parent import watch_parent
from router.ratelimits import overview
from router.seams import Sink
from router.server import Service
from router.types import Principal

REST_EVERY = 30.0
"""Seconds between looks whether anybody still looks at the dashboard."""


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
        self._metrics = Metrics(shared=work.shared_metrics, spool=work.data / "spool")
        config, clock = work.watcher.current, SystemClock()
        self._lanes = Lanes(
            Pool(pool_specs(config), work.data, clock), clock, patience=config.server.background_seconds
        )
        self._home = Housekeeping(
            work.watcher,
            work.data,
            f"worker_{os.getpid()}",
            sinks=[self._metrics, *_telemetry(config)],
            alarm=self._metrics.alarm,
            admit=self._lanes.admit,
        )
        self._reader: Reader | None = None
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
            await self._stopped()
            await runner.cleanup()
            looking.cancel()
        if self._reader is not None:
            await self._reader.close()

    async def _stopped(self) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), REST_EVERY)
            if self._reader is not None:
                await self._reader.rest()

    def _service(self) -> Service:
        config, ids = self._home.config, Ids(secret_of(self._work.data))
        store, shelf = Place.within(self._work.data, config.batch.url).open()
        background = Background(store, shelf, clock=self._home.clock)
        return Service(
            lambda: self._home.house,
            clock=self._home.clock,
            ids=ids,
            metrics=self._metrics.expose,
            max_body=config.server.max_body_mb << 20,
            routes=[
                BatchRoutes(store, shelf, clock=self._home.clock),
                background,
                self._home.outcomes(ids),
                *self._dashboard(),
            ],
            deferral=background,
        )

    def _dashboard(self) -> list[Dashboard]:
        server = self._home.config.server
        key = server.dashboard_key.get_secret_value() if server.dashboard_key else None
        wanted = server.loopback or key is not None if server.dashboard == "auto" else server.dashboard
        if not wanted:
            return []
        reports = Path(server.reports) if server.reports else None
        self._reader = Reader(self._work.data, reports, self._home.clock.monotonic)
        return [Dashboard(self._reader, self._policies, self._budgets, key, self._auditor)]

    def _policies(self) -> list[Mapping[str, object]]:
        return [_shown(policy) for policy in self._home.house.policies.values()]

    async def _budgets(self) -> list[dict[str, object]]:
        house = self._home.house
        holders = [Principal()] if house.ring is None else house.ring.holders()
        return await overview(house.pipeline.budgets, holders)

    def _auditor(self, http: web.Request) -> bool:
        ring = self._home.house.ring
        auditor_of(ring, http, self._home.clock.now())
        return ring is not None


def _telemetry(config: Config) -> list[Sink]:
    """Give the sink for OpenTelemetry, if it is wanted; raises `ConfigError` without its packages."""
    if not config.server.telemetry:
        return []
    try:
        # The door to its SDK, an extra.
        otel = importlib.import_module("dashboards.otel")
    except ImportError as error:
        raise ConfigError(f"`server.telemetry` needs `pip install 'farthing[otel]'`: {error}.") from None
    sink: Sink = otel.telemetry()
    return [sink]


def _shown(policy: RoutedPolicy) -> Mapping[str, object]:
    """A policy as the dashboard shows it: what it says, and what came of that."""
    said = policy.spec.model_dump(mode="json", exclude_none=True, exclude={"models", "extends"})
    strongest = policy.strongest.name if policy.strongest else None
    return {
        "name": policy.name,
        "models": [model.name for model in policy.models],
        "strongest": strongest,
        **said,
    }


class _WithoutNoise(logging.Filter):
    """Passes over what strangers send that is not HTTP: they are answered 400, and would flood the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return kind is None or not issubclass(kind, HttpProcessingError)


def _quiet_logger() -> logging.Logger:
    logger = logging.getLogger("farthing.http")
    logger.addFilter(_WithoutNoise())
    return logger
