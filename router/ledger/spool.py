"""The append-only file that every attempt is written to before anyone is told of it.

A line is in the kernel when `write` returns, so a killed process loses none; a power cut loses at most
what came after the last `sync`. A full disk fails no request: lines wait in memory, within bounds.
A `Spool` belongs to one process, made after any fork, and to its event loop; only `sync` may run in a thread.
"""

import logging
import os
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson

from router import files
from router.ledger import segments
from router.ledger.kinds import ATTEMPTS, Kind
from router.records import Record

OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NAIVE_UTC
MOST_BIGINT = 2**63 - 1
MOST_UNSYNCED = 32

log = logging.getLogger("farthing.ledger")


class Spool:
    """Writes records of one kind as lines of JSON to segments under `folder`; see `router.seams.Sink`.

    A segment is sealed, which hands it to the drainer, once it has `max_bytes` or is `max_age` seconds old;
    call `tick` every so often, so that an idle one is sealed too, and `sync` in a thread to force the disk.
    `max_backlog` bytes wait in memory while the disk takes none; beyond them entries are lost, and counted.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        kind: Kind = ATTEMPTS,
        *,
        max_bytes: int = 8 << 20,
        max_age: float = 0.5,
        max_backlog: int = 64 << 20,
        clock: Callable[[], float] = time.monotonic,
        boot: str | None = None,
    ) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            raise ValueError(f"A spool's name becomes a file's: letters, digits and _ only, not {name!r}.")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._kind, self._clock = folder, kind, clock
        self._prefix = f"{name}-{boot or secrets.token_hex(8)}"
        self._max_bytes, self._max_age, self._max_backlog = max_bytes, max_age, max_backlog
        self._number = self._size = 0
        self._born = 0.0
        self._path = folder
        self._fd: int | None = None
        self._sealed: deque[int] = deque()
        self._moved = False
        self._swap = threading.Lock()  # between the loop, which changes descriptors, and `sync`
        self._backlog: deque[bytes] = deque()
        self.backlog_bytes = 0
        self.lost = 0

    def write(self, records: Iterable[Record], /) -> None:
        """Append `records`, all in one write."""
        data = b"".join([_line(record) for record in records])
        if data and (rest := self._put(data)):
            self._keep(rest)

    def tick(self) -> None:
        """Seal a segment that is old enough, and try again what waits in memory."""
        while self._backlog:
            rest = self._put(self._backlog[0])
            self.backlog_bytes -= len(self._backlog[0]) - len(rest)
            if rest:
                self._backlog[0] = rest
                break
            self._backlog.popleft()
            if not self._backlog:
                log.warning("The spool takes entries again; all that waited is written.")
        if self._fd is not None and self._clock() - self._born >= self._max_age:
            self.seal()

    def seal(self) -> None:
        """Hand the segment to the drainer; the next write begins another."""
        if self._fd is None or not self._size:
            return
        with self._swap:
            descriptor, self._fd = self._fd, None
            self._sealed.append(descriptor)
            surplus = self._sealed.popleft() if len(self._sealed) > MOST_UNSYNCED else None
            self._moved = True
        if surplus is not None:
            os.close(surplus)
        try:
            self._path.rename(segments.sealed_path(self._path))
        except OSError as error:
            log.error("%s cannot be sealed, and waits to be adopted: %s", self._path, error)  # noqa: TRY400 - the sentence says all

    def sync(self) -> None:
        """Return once all that was written before is on the disk, or it is logged why it is not."""
        try:
            self._sync()
        except OSError:
            log.exception("The spool could not be forced to the disk")

    def close(self) -> None:
        """Seal and sync; what still waits in memory gets its last chance."""
        self.tick()
        self.seal()
        self.sync()
        self._abandon()
        if self._backlog:
            self._lose(b"".join(self._backlog))

    def _sync(self) -> None:
        with self._swap:
            waiting = [*self._sealed, *([os.dup(self._fd)] if self._fd is not None else [])]
            self._sealed.clear()
            moved, self._moved = self._moved, False
        with ExitStack() as stack:
            for descriptor in waiting:
                stack.callback(os.close, descriptor)
            for descriptor in waiting:
                # One that is drained already has no name any more, and nothing to outlive a power cut for.
                if os.fstat(descriptor).st_nlink:
                    os.fdatasync(descriptor)
        if moved:
            files.sync(self._folder)

    def _put(self, data: bytes) -> bytes:
        """Write, and return the lines that the disk did not take."""
        done = 0
        try:
            descriptor = self._open() if self._fd is None else self._fd
            while done < len(data):
                done += os.write(descriptor, data[done:] if done else data)
        except OSError as error:
            return self._after(error, data, done)
        self._size += done
        if self._size >= self._max_bytes or self._clock() - self._born >= self._max_age:
            self.seal()
        return b""

    def _after(self, error: OSError, data: bytes, done: int) -> bytes:
        if not self._backlog:
            log.error("The spool takes nothing: %s. Entries wait in memory.", error)
        whole = data.rfind(b"\n", 0, done) + 1
        self._size += whole
        if whole < done:
            # Whoever adopts an orphan cuts its torn line, so that no other mending is needed.
            self._abandon()
        return data[whole:]

    def _open(self) -> int:
        descriptor = None
        while descriptor is None:
            self._number += 1
            self._path = self._folder / f"{self._prefix}-{self._number:08d}{self._kind.open}"
            descriptor = segments.create(self._path)
        with self._swap:
            self._fd, self._moved = descriptor, True
        self._size, self._born = 0, self._clock()
        return descriptor

    def _keep(self, rest: bytes) -> None:
        if self.backlog_bytes + len(rest) > self._max_backlog:
            self._lose(rest)
            return
        self._backlog.append(rest)
        self.backlog_bytes += len(rest)

    def _lose(self, rest: bytes) -> None:
        lines = rest.count(b"\n")
        self.lost += lines
        log.critical("%d ledger entries are lost, %d in all: the disk takes nothing", lines, self.lost)

    def _abandon(self) -> None:
        with self._swap:
            descriptor, self._fd = self._fd, None
        if descriptor is not None:
            os.close(descriptor)


def _line(record: Record) -> bytes:
    try:
        return orjson.dumps(record, default=_plain, option=OPTIONS)
    except TypeError:
        log.error("A record of request %r had to be repaired to be written", record.request_id)  # noqa: TRY400 - callers cause it
        repaired = {field.name: _repaired(getattr(record, field.name)) for field in fields(record)}
        return orjson.dumps(repaired, default=str, option=OPTIONS)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in a ledger entry")


def _repaired(value: Any) -> Any:
    """Make do with half a surrogate, or a number no column holds: such an entry is worth more than none."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not -MOST_BIGINT <= value <= MOST_BIGINT:
        return None
    if isinstance(value, Mapping):
        return {str(_repaired(key)): _repaired(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_repaired(each) for each in value]
    return value
