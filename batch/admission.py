"""Who may ask a model now: a place in the queue of each model, and a note before each call is sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from batch.gate import FIRST, Gate
from batch.pace import Pace, Turn
from router.dialects.amend import yielding
from router.errors import Unsent, UpstreamError
from router.seams import Clock, Stream, Upstream
from router.types import Model, Request

Sent = Callable[[str, str], Awaitable[None]]
"""Told, by request id and model, that a call is about to be sent."""


class Admitted:
    """An `Upstream` behind a queue: a call waits until its model has room, is noted, and is then sent."""

    def __init__(self, upstream: Upstream, paces: "Paces", sent: Sent, gate: Gate | None = None) -> None:
        self._upstream, self._paces, self._sent, self._gate = upstream, paces, sent, gate

    async def send(self, request: Request, model: Model, /) -> Stream:
        async with self._admitted(request, model) as turn:
            if self._gate is not None:
                self._gate.begun()
                request = given_way(request, self._gate)
            try:
                async with aclosing(self._upstream.send(request, model)) as stream:
                    async for item in stream:
                        yield item
            except UpstreamError as error:
                turn.failed(error)
                raise
            finally:
                if self._gate is not None:
                    self._gate.over()

    @asynccontextmanager
    async def _admitted(self, request: Request, model: Model) -> AsyncIterator[Turn]:
        """Wait for the model's turn and note the call; raises `Unsent` if cancelled before that."""
        async with AsyncExitStack() as stack:
            try:
                turn = await stack.enter_async_context(self._paces.of(model).turn())
            except asyncio.CancelledError:
                raise Unsent from None
            # From here on it is booked, whatever happens: what is noted and not booked counts as lost.
            await self._sent(request.id, model.name)
            yield turn

    async def close(self) -> None:
        await self._upstream.close()


def given_way(request: Request, gate: Gate) -> Request:
    """Give what is sent of work that can wait to the engine behind `gate`."""
    return yielding(request) if gate.terms.priority else request


class Paces:
    """One `Pace` an engine of `gates`, whatever models it serves, and one for each model elsewhere."""

    def __init__(self, gates: Mapping[str, Gate], clock: Clock, *, first: int = FIRST) -> None:
        self._gates, self._clock, self._first = gates, clock, first
        self._paces: dict[tuple[str, str], Pace] = {}

    def of(self, model: Model) -> Pace:
        gate = self._gates.get(model.upstream)
        key = (model.upstream, "" if gate is not None else model.name)
        pace = self._paces.get(key)
        if pace is None:
            pace = self._paces[key] = Pace(self._clock, first=self._first, gate=gate)
        return pace

    def wake(self) -> None:
        """Let in whoever waits where there is room again."""
        for pace in self._paces.values():
            pace.wake()

    def places(self) -> int:
        """How many calls may be under way now, over all of them."""
        return sum(pace.width for pace in self._paces.values())
