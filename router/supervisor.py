"""Keeping processes alive: the workers that serve, and the drainer that writes the ledger.

The supervisor owns the listening socket, so a worker that dies takes no connection with it that waits,
and its successor listens on the same port.
Every child has a pipe for its standard input; when the supervisor dies the pipe closes, and they stop.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from router.errors import FarthingError

HOPELESS = 3
"""Ends right after the start, in a row, after which there is no use in another."""

STARTING = 60.0
"""Seconds within which an end with an error speaks against the start."""

log = logging.getLogger("farthing.supervisor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process to keep alive: the words after `python -m router`, and the descriptors it inherits."""

    name: str
    command: Sequence[str]
    descriptors: Sequence[int] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """Starts children, starts them again when they die, and stops them, the last of them last.

    `patience` is how many seconds a child has to stop by itself.
    """

    def __init__(self, children: Sequence[Child], *, patience: float) -> None:
        self._children, self._patience = tuple(children), patience
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()
        self._hopeless: FarthingError | None = None

    async def run(self) -> None:
        """Keep the children until SIGTERM or SIGINT; raise `FarthingError` if one cannot be kept."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._pass_on, signal.SIGHUP)
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(self._keep(child)) for child in self._children]
            await self._stopping.wait()
            for keeper in keepers:
                keeper.cancel()
        *workers, last = self._children
        await asyncio.gather(*(self._stop(child) for child in workers))
        await self._stop(last)
        if self._hopeless is not None:
            raise self._hopeless

    async def _keep(self, child: Child) -> None:
        quick = 0
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "router",
                *child.command,
                stdin=asyncio.subprocess.PIPE,
                pass_fds=child.descriptors,
                env=dict(child.environment),
                # Ctrl-C is for the supervisor, which stops the others in their order.
                start_new_session=True,
            )
            self._running[child.name] = process
            loop = asyncio.get_running_loop()
            began = loop.time()
            status = await process.wait()
            # One that gives up right after its start gets rests; one that was killed goes on at once.
            quick = quick + 1 if status > 0 and loop.time() - began < STARTING else 0
            pause = min(0.1 * 2**quick, 10.0)
            log.error("%s (process %d) ended with status %d", child.name, process.pid, status)
            if quick >= HOPELESS:
                self._hopeless = FarthingError(
                    f"{child.name} ends again and again right after its start; its messages above say why."
                )
                self._stopping.set()
                return
            await asyncio.sleep(pause)

    async def _stop(self, child: Child) -> None:
        process = self._running.get(child.name)
        if process is None or process.returncode is not None:
            return
        process.terminate()
        done, _ = await asyncio.wait([asyncio.ensure_future(process.wait())], timeout=self._patience)
        if not done:
            log.error("%s does not stop and is killed", child.name)
            process.kill()
            await process.wait()

    def _pass_on(self, number: int) -> None:
        for process in self._running.values():
            if process.returncode is None:
                process.send_signal(number)
