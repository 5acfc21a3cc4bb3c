"""The real server as a process of its own, for as long as the demo runs."""

import asyncio
import re
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from router.errors import FarthingError

READY = re.compile(r"listening on (http://\S+)")
PATIENCE = 30.0
"""Seconds the server has to start, and to stop."""


class NotStarted(FarthingError):
    """The server of the demo did not start."""


class Listener(asyncio.SubprocessProtocol):
    """Reads what the server prints: keeps the last lines, and finds the one that says where it listens."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.address: asyncio.Future[str] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._lines: deque[str] = deque(maxlen=80)
        self._rest = b""

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - asyncio's signature
        *lines, self._rest = (self._rest + data).split(b"\n")
        for raw in lines:
            line = raw.decode(errors="replace").rstrip()
            self._lines.append(line)
            found = READY.search(line)
            if found and not self.address.done():
                self.address.set_result(found[1].rstrip("/.,"))

    def process_exited(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Called once the process has ended and all it printed has been read."""
        if not self.address.done():
            self.address.set_exception(self.failure("it ended at its start"))

    def failure(self, what: str) -> NotStarted:
        said = "\n".join(f"  {line}" for line in [*self._lines, self._rest.decode(errors="replace")] if line)
        return NotStarted(f"The server of the demo did not start: {what}. It said:\n{said or '  nothing'}")


@asynccontextmanager
async def serving(config: Path, *, port: int) -> AsyncIterator[str]:
    """Start `farthing serve`, give its address once it listens, and stop it; raises `NotStarted`."""
    loop = asyncio.get_running_loop()
    transport, listener = await loop.subprocess_exec(
        Listener,
        *(sys.executable, "-m", "router", "serve", "--config", str(config), "--port", str(port)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        try:
            async with asyncio.timeout(PATIENCE):
                address = await asyncio.shield(listener.address)
        except TimeoutError:
            raise listener.failure(f"it did not listen within {PATIENCE:.0f} seconds") from None
        yield address
    finally:
        await _stop(transport, listener)


async def _stop(transport: asyncio.SubprocessTransport, listener: Listener) -> None:
    """Ask it to end, so that everything is written down; insist if it does not."""
    listener.address.cancel()  # nobody waits for it any longer
    with suppress(ProcessLookupError):
        transport.terminate()
    done, _ = await asyncio.wait([listener.ended], timeout=PATIENCE)
    if not done:
        transport.kill()
        await listener.ended
    transport.close()
