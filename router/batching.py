"""The process that works on batches: it idles, small, until there is one, and then builds the house."""

import asyncio
import importlib
import logging
import os
import signal
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from batch.admission import Admitted, Paces
from batch.answering import Answerer
from batch.broom import Broom
from batch.claiming import Claiming, Meal
from batch.heir import Heir, Row
from batch.jobs import Claim
from batch.leases import Leases
from batch.place import Place
from batch.pool import Pool
from batch.runner import Runner
from batch.spill import Spill
from batch.together import Together
from router.config import Watcher
from router.engines import pool_specs
from router.errors import StoreAway
from router.housekeeping import Housekeeping
from router.parent import watch_parent
from router.seams import Upstream

IDLE_LOOK = 0.5
"""Seconds between two looks for the first batch, or for the lock."""

TROUBLE = 5.0
"""Seconds between two attempts to reach a store that is away."""

TIDY_EVERY = 3600.0

log = logging.getLogger("farthing.batch")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWork:
    """What the process is told at its start."""

    watcher: Watcher
    data: Path
    place: Place


class Batching:
    """Works until SIGTERM, or until whoever started it is gone."""

    def __init__(self, work: BatchWork) -> None:
        self._work = work
        self._store, self._shelf = work.place.open()
        self._home = Housekeeping(work.watcher, work.data, f"batch_{os.getpid()}", admit=self._admitted)
        self._pool = Pool(pool_specs(work.watcher.current), work.data, self._home.clock)
        windows = {name: spec.terms.windows for name, spec in self._pool.specs.items()}
        self._spill = Spill(self._home.clock, windows, self._busy)
        self._paces = Paces(self._pool.gates, self._home.clock)
        self._claims: dict[str, Claim] = {}
        self._claiming = Claiming(self._claims, self._paces.places, self._spill.look)
        self._note = Together(self._store.sent)
        self._swept = float("-inf")
        self._stop, self._news = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._home.force)
        watch_parent(loop, self._end)
        with self._store.listen(partial(loop.call_soon_threadsafe, self._news.set)):
            while not self._stop.is_set():
                with self._work.place.elected() as elected:
                    if elected and await self._has_work():
                        await self._home.keep(self._answer_lines)
                        return
                await self._pause()

    def _end(self) -> None:
        self._stop.set()
        self._news.set()

    async def _has_work(self) -> bool:
        """Wait, with the lock, until there is a batch; `False` if it is time to stop."""
        while not self._stop.is_set():
            self._news.clear()
            if self._home.clock.monotonic() - self._swept >= TIDY_EVERY:
                await self._sweep()
            try:
                if await asyncio.to_thread(self._store.under_way):
                    return True
            except StoreAway as error:
                log.warning("%s; batches wait", error)
                await asyncio.sleep(TROUBLE)
            await self._pause()
        return False

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_LOOK):
                await self._news.wait()

    async def _answer_lines(self) -> None:
        answerer = Answerer(
            lambda: self._home.house,
            self._store,
            self._home.clock,
            spill=self._spill,
            audited=self._home.audited,
        )
        worker = self._work.place.worker()
        heir = Heir(self._store, self._shelf, answerer, self._booked)
        leases = Leases(
            self._store,
            heir,
            self._claims,
            worker=worker,
            lease=self._home.config.batch.lease_seconds,
        )
        # Whoever had the lock before had the same name, and is gone.
        await leases.take_over(worker=worker)
        runner = Runner(
            self._store,
            self._shelf,
            answerer,
            clock=self._home.clock,
            worker=worker,
            meal=self._meal,
            claims=self._claims,
            ending=self._spill.end,
            news=self._news,
        )
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(self._pool.lookout(self._paces.wake).run()),
                group.create_task(leases.keep()),
                group.create_task(self._tidy()),
            ]
            await runner.run(self._stop)
            for task in beside:
                task.cancel()
            await self._note.close()

    async def _tidy(self) -> None:
        while True:
            await self._sweep()
            await asyncio.sleep(TIDY_EVERY)

    async def _sweep(self) -> None:
        self._swept = self._home.clock.monotonic()
        try:
            await asyncio.to_thread(Broom(self._store, self._shelf, self._home.clock).sweep)
        except (StoreAway, OSError) as error:
            log.warning("expired files cannot be dropped, which is tried again: %s", error)

    def _booked(self, request_ids: Collection[str]) -> Mapping[str, Sequence[Row]]:
        # DuckDB is loaded here alone: this process seldom needs it.
        module = importlib.import_module("router.ledger.booked")
        told: Mapping[str, Sequence[Row]] = module.booked_in(self._work.data, request_ids)
        return told

    def _meal(self) -> Meal:
        for upstream in self._pool.specs:
            self._pool.want(upstream)
        return self._claiming.meal()

    def _busy(self) -> int:
        return sum(gate.busy for gate in self._pool.gates.values())

    def _admitted(self, name: str, upstream: Upstream) -> Upstream:
        return Admitted(upstream, self._paces, self._sent, self._pool.gates.get(name))

    async def _sent(self, request_id: str, model: str) -> None:
        self._spill.sent(request_id)
        self._claiming.sent(request_id)
        claim = self._claims.get(request_id)
        if claim is not None:
            await self._noted(claim, model)

    async def _noted(self, claim: Claim, model: str) -> None:
        """Write a note down, however long the store is away: without it, nothing is sent."""
        while True:
            try:
                await self._note((claim, model))
            except StoreAway as error:
                log.warning("%s; calls wait", error)
                await asyncio.sleep(TROUBLE)
            else:
                return
