"""The reports while the proxy serves: asked of a process beside it, kept for a moment."""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from router.errors import FarthingError

FRESH = 1.0
"""Seconds for which an answer is given again: ten people who look at the page are one reader."""

LONGEST = 60.0
"""Seconds a report may take; then its process is ended, and the next question starts another."""

IDLE = 120.0
"""Seconds after which a process nobody asks ends: it holds memory."""

MOST_KEPT = 256
LINE = 64 << 20

Query = Mapping[str, Any]


class Reader:
    """Asks the reading process, and starts it when it is first needed; `clock` counts seconds."""

    def __init__(self, data: Path, reports: Path | None, clock: Callable[[], float]) -> None:
        self._words = ["page", "--data", str(data), *(["--reports", str(reports)] if reports else [])]
        self._clock = clock
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._kept: dict[str, tuple[float, bytes]] = {}
        self._asked = 0.0

    async def ask(self, query: Query) -> bytes:
        """Answer with the process' line of JSON; raises `FarthingError` if there is none."""
        line = json.dumps(query, sort_keys=True)
        async with self._turn:
            now = self._asked = self._clock()
            time, answer = self._kept.get(line, (0.0, b""))
            if not answer or now - time > FRESH:
                answer = await self._answer(line)
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                # From the end on: a report that takes two seconds is not run again at once.
                self._kept[line] = (self._clock(), answer)
            return answer

    async def rest(self) -> None:
        """End the process if nobody has asked for a while; called now and then."""
        if self._process is not None and not self._turn.locked() and self._clock() - self._asked > IDLE:
            await self.close()

    async def close(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _answer(self, line: str) -> bytes:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(LONGEST):
                process.stdin.write(line.encode() + b"\n")
                await process.stdin.drain()
                answer = await process.stdout.readline()
        except (TimeoutError, ConnectionError, ValueError, asyncio.CancelledError) as error:
            # Half an answer may be on its way: nobody must take it for the next one's.
            await self.close()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise FarthingError("The report takes too long, or its process has died.") from None
        if not answer:
            await self.close()
            raise FarthingError("The process that reads the ledger has died; its log says why.")
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "router", *self._words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE,
        )
