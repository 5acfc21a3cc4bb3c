"""Work that nobody waits for: bounded, and ended with the process."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("farthing.background")


class Background:
    """Runs at most `most` pieces of work at once; what finds no place is left undone, and counted."""

    def __init__(self, most: int = 8) -> None:
        self._most = most
        # Held here: the loop keeps only weak references to tasks.
        self._tasks: dict[asyncio.Task[None], str] = {}
        self.left_undone = 0

    def start(self, work: Coroutine[Any, Any, None], of: str = "") -> None:
        """Begin, if there is a place; `of` says for which request."""
        if len(self._tasks) >= self._most:
            self.left_undone += 1
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = of
        task.add_done_callback(self._done)

    async def close(self) -> None:
        """Cancel what is under way, and wait until it has written down what it cost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def finish(self, of: str | None = None) -> None:
        """Wait for what is under way, of one request or of all; to be cancelled meanwhile ends none of it."""
        tasks = [task for task, request in self._tasks.items() if of in {None, request}]
        if tasks:
            await asyncio.wait(tasks)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("What was done in the background failed.", exc_info=error)
