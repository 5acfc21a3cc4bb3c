"""How many calls a model is given at once, found by trying.

As long as more calls at once bring more answers in the same time, there is room for more;
when they only wait longer, or are turned away, there are too many.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from router.errors import RateLimited, TimedOut, UpstreamError
from router.seams import Clock

LEAST, FIRST = 1, 8

SHRINK = 0.7
"""What is left of the width when calls are turned away."""

GROW = 1.25
WORTH = 1.03
"""Growing goes on while a round brings at least this much more than the narrower one before it."""


class Turn:
    """One call's place; whoever has it says if it was turned away."""

    def __init__(self) -> None:
        self.refused = False

    def failed(self, error: UpstreamError) -> None:
        self.refused = isinstance(error, RateLimited | TimedOut)


class Pace:
    """A semaphore that finds its own width, at most `most`; waiters go first come, first served.

    `gate` may lower the width at any time: what is given to others is not to be taken.
    Throughput is measured in rounds of as many calls as the width has places.
    """

    def __init__(
        self, clock: Clock, *, most: int = 512, first: int = FIRST, gate: Callable[[], int] | None = None
    ) -> None:
        self._clock, self._most, self._gate = clock, most, gate
        self._width = float(min(first, most))
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._ended, self._since = 0, clock.monotonic()
        self._best = 0.0

    @property
    def width(self) -> int:
        """Places there are now."""
        own = int(self._width)
        return max(0, min(own, self._gate())) if self._gate is not None else own

    @property
    def busy(self) -> int:
        return self._busy

    @property
    def free(self) -> int:
        return max(0, self.width - self._busy - len(self._waiting))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Wait for a place, and hold it until the block ends."""
        await self._enter()
        turn = Turn()
        try:
            yield turn
        finally:
            self._busy -= 1
            self._learn(turn)
            self.wake()

    def wake(self) -> None:
        """Let in as many as there is room for; also called when the gate may have opened."""
        while self._waiting and self._busy < self.width:
            future = self._waiting.popleft()
            if not future.done():
                self._busy += 1
                future.set_result(None)

    async def _enter(self) -> None:
        if not self._waiting and self._busy < self.width:
            self._busy += 1
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._busy -= 1  # it was let in, and leaves at once
                self.wake()
            raise

    def _learn(self, turn: Turn) -> None:
        if turn.refused:
            self._width = max(LEAST, self._width * SHRINK)
            self._begin_round(best=0.0)
            return
        self._ended += 1
        if self._ended < max(8, int(self._width)):
            return
        seconds = max(1e-6, self._clock.monotonic() - self._since)
        rate = self._ended / seconds
        # Only a round in which all places were wanted tells whether more would help.
        if self._waiting or self._busy >= int(self._width) - 1:
            if rate >= self._best * WORTH:
                self._width = min(self._most, max(self._width + 1, self._width * GROW))
            elif rate < self._best * 0.9:
                self._width = max(LEAST, self._width / GROW)
        self._begin_round(best=max(rate, self._best * 0.98))

    def _begin_round(self, *, best: float) -> None:
        self._ended, self._since, self._best = 0, self._clock.monotonic(), best
