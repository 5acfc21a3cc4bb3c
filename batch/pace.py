"""How many calls a model is given at once, found by trying.

As long as more calls at once bring more answers in the same time, there is room for more;
when they only wait longer, or are turned away, there are too many.
An engine that tells what it is busy with is not tried: its gate knows.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from batch.gate import FIRST, Gate
from router.errors import RateLimited, TimedOut, UpstreamError
from router.seams import Clock

LEAST = 1

SHRINK = 0.7
"""What is left of the width when calls are turned away."""

GROW = 1.5
WORTH = 1.03
"""A wider round that brings so much more is followed by a wider one; one that brings less is undone."""

HOLD = 12
"""Rounds after a step before another is tried."""


class Turn:
    """One call's place; whoever has it says if it failed, and so if it was turned away."""

    def __init__(self) -> None:
        self.refused = self.in_vain = False

    def failed(self, error: UpstreamError) -> None:
        self.refused, self.in_vain = isinstance(error, RateLimited | TimedOut), True


class Pace:
    """A semaphore that finds its own width, at most `most`; waiters go first come, first served.

    `gate` may lower the width at any time: what is given to others is not to be taken.
    Throughput is measured in rounds of twice as many calls as the width has places.
    """

    def __init__(
        self, clock: Clock, *, most: int = 512, first: int = FIRST, gate: Gate | None = None
    ) -> None:
        self._clock, self._most, self._gate = clock, most, gate
        self._width = float(min(first, most))
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._ended, self._since, self._hold = 0, clock.monotonic(), HOLD
        self._before: tuple[float, float] | None = None

    @property
    def width(self) -> int:
        """Places there are now."""
        own = int(self._width)
        if self._gate is None:
            return own
        room = self._gate.room()
        return room if self._gate.steers else min(own, room)

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
            self._before = None
            self._begin_round(HOLD)
            return
        if turn.in_vain:
            return  # how soon a call fails says nothing of how many there may be
        self._ended += 1
        width = int(self._width)
        if self._ended == width:
            self._since = self._clock.monotonic()  # what ended before had begun under another width
        if self._ended < 3 * width:
            return
        rate = 2 * width / max(1e-6, self._clock.monotonic() - self._since)
        # Only a round in which all places were wanted tells whether more would help.
        if self._waiting or self._busy >= int(self._width) - 1:
            self._compare(rate)
        else:
            self._begin_round(self._hold)

    def _compare(self, rate: float) -> None:
        """Hold this round against the one before: a step that paid leads to another, one in vain is undone.

        Rounds of the same width are not compared: an engine that others slow down needs no fewer calls.
        """
        before, width = self._before, self._width
        self._before = (width, rate)
        if before is None or (width > before[0] and rate >= before[1] * WORTH):
            self._step(GROW)
        elif width > before[0]:
            self._width = before[0]
            self._begin_round(HOLD)
        elif self._hold > 0:
            self._begin_round(self._hold - 1)
        else:
            self._step(GROW)

    def _step(self, factor: float) -> None:
        self._width = min(float(self._most), max(self._width + 1, self._width * factor))
        self._begin_round(HOLD)

    def _begin_round(self, hold: int) -> None:
        self._ended, self._since, self._hold = 0, self._clock.monotonic(), hold
