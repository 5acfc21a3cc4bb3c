"""Who may ask a model now: a place in the queue of each model, and a note before each call is sent."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing

from batch.gate import Gate
from batch.pace import Pace
from router.errors import UpstreamError
from router.seams import Stream, Upstream
from router.types import Model, Request

Sent = Callable[[str, str], Awaitable[None]]
"""Told, by request id and model, that a call is about to be sent."""


class Admitted:
    """An `Upstream` behind a queue: a call waits until its model has room, is noted, and is then sent."""

    def __init__(self, upstream: Upstream, paces: "Paces", sent: Sent, gate: Gate | None = None) -> None:
        self._upstream, self._paces, self._sent, self._gate = upstream, paces, sent, gate

    async def send(self, request: Request, model: Model, /) -> Stream:
        pace = self._paces.of(model)
        async with pace.turn() as turn:
            await self._sent(request.id, model.name)
            if self._gate is not None:
                self._gate.begun()
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

    async def close(self) -> None:
        await self._upstream.close()


class Paces:
    """One `Pace` a model."""

    def __init__(self, make: Callable[[Model], Pace]) -> None:
        self._make = make
        self._paces: dict[str, Pace] = {}

    def of(self, model: Model) -> Pace:
        pace = self._paces.get(model.name)
        if pace is None:
            pace = self._paces[model.name] = self._make(model)
        return pace

    def wake(self) -> None:
        """Let in whoever waits where there is room again."""
        for pace in self._paces.values():
            pace.wake()

    def places(self) -> int:
        """How many calls may be under way now, over all models."""
        return sum(pace.width for pace in self._paces.values())
