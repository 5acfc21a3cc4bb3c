"""Reads the load of every engine that has a gate, a few times a second while there is work for it."""

import asyncio
import logging
from collections.abc import Callable, Mapping

import aiohttp

from batch.gate import Gate
from batch.load import EngineLoad, load_of

log = logging.getLogger("farthing.batch")

LOOK_EVERY, SELDOM = 0.25, 1.0
"""Seconds between two looks, and where every engine has more than it runs: to be asked costs it something."""

TIMEOUT = aiohttp.ClientTimeout(total=2.0)
LARGEST = 4 << 20


class Lookout:
    """Keeps `gates` informed; `urls` says where each engine's `/metrics` is."""

    def __init__(self, gates: Mapping[str, Gate], urls: Mapping[str, str], woken: Callable[[], None]) -> None:
        self._gates, self._urls, self._woken = gates, urls, woken
        self._silent: set[str] = set()

    async def run(self) -> None:
        """Look until cancelled."""
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            while True:
                used = [name for name, gate in self._gates.items() if gate.in_use]
                if used:
                    await asyncio.gather(*(self._look(session, name) for name in used))
                    self._woken()
                fed = used and all(self._gates[name].fed for name in used)
                await asyncio.sleep(SELDOM if fed else LOOK_EVERY)

    async def _look(self, session: aiohttp.ClientSession, name: str) -> None:
        load: EngineLoad | None = None
        self._gates[name].looking()
        try:
            async with session.get(self._urls[name]) as response:
                if response.status == 200:
                    load = load_of(await _bounded(response))
        except (aiohttp.ClientError, TimeoutError):
            pass
        if load is None and name not in self._silent:
            self._silent.add(name)
            log.warning("the engine of %s says nothing of its load; it is taken to be ours alone", name)
        elif load is not None:
            self._silent.discard(name)
        self._gates[name].saw(load)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST:
            break
    return bytes(body)
