"""Keeping processes alive: the workers that serve, and the drainer that writes the ledger.

The supervisor owns the listening socket, so a worker that dies takes no connection with it that waits,
and its successor listens on the same port.
Children are forked from it, so that what all of them need is loaded once, and lies in memory once;
hence it has one thread and no event loop, neither of which may be forked.
Every child has a pipe for its standard input; when the pipe closes it stops, however the supervisor ended.
"""

import logging
import os
import select
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from router.errors import FarthingError
from router.forking import OWN, Run, started

HOPELESS = 3
"""Ends right after the start, in a row, after which there is no use in another."""

STARTING = 60.0
"""Seconds within which an end with an error speaks against the start."""

log = logging.getLogger("farthing.supervisor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process to keep alive: the words after `farthing`, and the descriptors it inherits.

    One with an `environment` of its own shares nothing of what is loaded here.
    """

    name: str
    command: Sequence[str]
    descriptors: Sequence[int] = ()
    environment: Mapping[str, str] | None = None


class Watched(Protocol):
    """A descriptor that somebody wants to hear of."""

    def fileno(self) -> int: ...

    def readable(self) -> bool:
        """Read, and say whether there is more to wait for."""
        ...


@dataclass(slots=True)
class _Kept:
    """A child, and its process if it has one: `due` says when it gets the next."""

    child: Child
    process: int | None = None
    stdin: int = -1
    began: float = 0.0
    due: float = 0.0
    quick: int = 0

    def start(self, run: Run) -> None:
        child = self.child
        self.process, self.stdin = started(
            child.command, run, keep=child.descriptors, environment=child.environment
        )
        self.began = time.monotonic()

    def send(self, number: int) -> None:
        if self.process is not None:
            os.kill(self.process, number)  # it has not been waited for, so the id is still its own

    def end(self) -> None:
        """Have it stop by itself, also if it has only just begun: a signal would then be the end of it."""
        if self.process is not None:
            os.close(self.stdin)
            self.stdin = -1

    def ended(self, *, wait: bool = False) -> int | None:
        """Return the status with which its process has ended since this was last asked, if it has."""
        if self.process is None:
            return None
        process, status = os.waitpid(self.process, 0 if wait else os.WNOHANG)
        if not process:
            return None
        if self.stdin >= 0:
            os.close(self.stdin)
        self.process, now = None, time.monotonic()
        code = os.waitstatus_to_exitcode(status)
        # One that gives up right after its start gets rests; one that was killed goes on at once.
        self.quick = self.quick + 1 if code > 0 and now - self.began < STARTING else 0
        self.due = now + min(0.1 * 2**self.quick, 10.0)
        return code


class Supervisor:
    """Starts children, starts them again when they die, and stops them, the last of them last.

    `run` is what a forked child does; `patience` is how many seconds a child has to stop by itself.
    """

    def __init__(self, children: Sequence[Child], *, run: Run, patience: float) -> None:
        self._kept, self._run, self._patience = [_Kept(child) for child in children], run, patience
        self._watched: list[Watched] = []
        self._stopping = False
        self._hopeless: FarthingError | None = None

    def keep(self, *watched: Watched) -> None:
        """Keep the children until SIGTERM or SIGINT; raise `FarthingError` if one cannot be kept."""
        self._watched = list(watched)
        with _heard() as signals:
            while not self._stopping:
                self._start()
                for number in self._wait(signals, min(kept.due for kept in self._kept)):
                    self._hear(number)
                self._look()
            *workers, last = self._kept
            self._stop(workers, signals)
            self._stop([last], signals)
        if self._hopeless is not None:
            raise self._hopeless

    def _start(self) -> None:
        """Start those that have no process, if it is time."""
        now = time.monotonic()
        for kept in self._kept:
            if kept.process is None and kept.due <= now:
                kept.start(self._run)
            if kept.process is not None:
                kept.due = float("inf")

    def _wait(self, signals: int, until: float) -> bytes:
        """Wait for a signal, or until some time; return the signals that have come."""
        seconds = None if until == float("inf") else max(0.0, until - time.monotonic())
        ready, _, _ = select.select([signals, *(one.fileno() for one in self._watched)], [], [], seconds)
        for one in [one for one in self._watched if one.fileno() in ready]:
            if not one.readable():
                self._watched.remove(one)
        return os.read(signals, 1024) if signals in ready else b""

    def _hear(self, number: int) -> None:
        if number in {signal.SIGTERM, signal.SIGINT}:
            self._stopping = True
        elif number == signal.SIGHUP:
            for kept in self._kept:
                kept.send(number)

    def _look(self) -> None:
        for kept in self._kept:
            process, code = kept.process, kept.ended()
            if code is None:
                continue
            log.error("%s (process %d) ended with status %d", kept.child.name, process, code)
            if kept.quick >= HOPELESS:
                self._hopeless = FarthingError(
                    f"{kept.child.name} ends again and again right after its start; "
                    "its messages above say why."
                )
                self._stopping = True

    def _stop(self, some: Sequence[_Kept], signals: int) -> None:
        for kept in some:
            kept.end()
        end = time.monotonic() + self._patience
        while any(kept.process is not None for kept in some) and time.monotonic() < end:
            self._wait(signals, end)
            for kept in some:
                kept.ended()
        for kept in some:
            if kept.process is not None:
                log.error("%s does not stop and is killed", kept.child.name)
                kept.send(signal.SIGKILL)
                kept.ended(wait=True)


@contextmanager
def _heard() -> Iterator[int]:
    """Give a descriptor that tells the numbers of signals that come."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    # The descriptor tells; a handler of its own keeps a signal from doing what it does else.
    before = {number: signal.signal(number, lambda *_: None) for number in OWN}
    old = signal.set_wakeup_fd(writing)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)
