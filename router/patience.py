"""Waiting for the next piece of a stream only so long, without harm to the stream."""

import asyncio
from enum import Enum
from types import TracebackType
from typing import Self

from router.seams import Burst, Stream
from router.types import Ending


class Nothing(Enum):
    """What there is instead of a piece."""

    YET = "yet"
    MORE = "more"


class Patient:
    """Reads a stream; a wait that was given up is taken up again by the next.

    A time limit on `anext` itself would cancel the read, and with it the upstream's work.
    The task that reads on is made only where there is a limit: most pieces are awaited directly.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._reading: asyncio.Task[Burst | Ending | Nothing] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def next(self, seconds: float | None) -> Burst | Ending | Nothing:
        """Give the next piece; `Nothing.YET` after `seconds` (`None`: wait), `Nothing.MORE` at the end."""
        if self._reading is None:
            if seconds is None:
                return await self._advance()
            # Held by `self`, so that the loop's weak reference is not the only one.
            self._reading = asyncio.get_running_loop().create_task(self._advance())
        if seconds is not None:
            await asyncio.wait({self._reading}, timeout=max(0.0, seconds))
            if not self._reading.done():
                return Nothing.YET
        reading, self._reading = self._reading, None
        return await reading

    async def _advance(self) -> Burst | Ending | Nothing:
        return await anext(self._stream, Nothing.MORE)
