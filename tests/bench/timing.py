"""What a call costs in us of CPU, where it is too short to be timed by itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable

ROUNDS = 40
"""Short ones, of which the best counts: a neighbour on the machine rarely leaves all of them alone."""


def microseconds(call: Callable[[], object], calls: int) -> float:
    """CPU time of one call."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            call()
        best = min(best, (time.process_time() - began) / calls * 1e6)
    return best


async def awaited(call: Callable[[], Awaitable[object]], calls: int, at_once: int = 1) -> float:
    """CPU time of one call, of which so many wait at once."""

    async def some() -> None:
        for _ in range(calls // at_once):
            await call()

    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        await asyncio.gather(*(some() for _ in range(at_once)))
        best = min(best, (time.process_time() - began) / calls * 1e6)
    return best
