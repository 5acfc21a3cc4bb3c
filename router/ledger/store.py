"""The ledger's file, opened only for as long as it is needed.

DuckDB lets either one process write or many read.
So the drainer holds the file for milliseconds, readers open it read-only and try again while it is held,
and both pass a gate: the drainer closes it before it waits, so that readers in a row cannot starve it.
"""

import contextlib
import fcntl
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from router.errors import FarthingError
from router.ledger import locks, schema
from router.ledger.troubles import HELD, LedgerBroken, LedgerBusy, LedgerDamaged, damage_in

STORAGE = "v1.5.0"
"""The oldest DuckDB that can open the file, so that whoever upgraded can go back."""

CONFIG: Mapping[str, str | bool] = MappingProxyType(
    {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # Otherwise a table's name in SQL may mean a Python variable of whoever calls.
        "python_enable_replacements": False,
    }
)
"""The same for everyone: DuckDB refuses a second connection of one process that is configured otherwise."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where one ledger's files are: `data` holds the spool, the database and two lock files."""

    data: Path

    @property
    def spool(self) -> Path:
        return self.data / "spool"

    @property
    def quarantine(self) -> Path:
        return self.spool / "quarantine"

    @property
    def database(self) -> Path:
        return self.data / "ledger.duckdb"

    @property
    def kept(self) -> Path:
        """What the ledger took, a second time (`kept.py`)."""
        return self.data / "kept"

    @property
    def keeping(self) -> Path:
        """The lock of whoever changes what is kept."""
        return self.data / "kept.lock"

    @property
    def rebuilding(self) -> Path:
        """Is there while the database is made anew, and says since when and why."""
        return self.data / "ledger.rebuilding"

    @property
    def suspicion(self) -> Path:
        """Is there after a reader met a damaged block; the drainer then looks at all of them."""
        return self.data / "ledger.suspect"

    @property
    def losses(self) -> Path:
        """Says which rows could not be had again when the database was made anew."""
        return self.data / "lost.jsonl"

    @property
    def gate(self) -> Path:
        return self.data / "gate.lock"

    @property
    def election(self) -> Path:
        return self.data / "drain.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for others: seconds in all, then pauses that grow, of random length."""

    seconds: float = 10.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def tries(self) -> Iterator[None]:
        """Yield once a try; ends when patience is over."""
        end, pause = self.clock() + self.seconds, 0.002
        yield
        while self.clock() < end:
            self.sleep(pause * (0.5 + self.jitter() / 2))
            pause = min(pause * 1.6, 0.1)
            yield


@contextlib.contextmanager
def reading(ledger: Ledger, patience: Patience | None = None) -> Iterator[DuckDBPyConnection]:
    """Open the ledger to read; one that was never written to reads as an empty one.

    Raises `LedgerBusy`, `LedgerBroken` or `LedgerDamaged`, that also at the first block that is.
    """
    if not ledger.database.exists() and not ledger.rebuilding.exists():
        with scratch() as connection:
            yield connection
        return
    with _open_to_read(ledger, patience or Patience()) as connection, _telling_damage(ledger):
        yield connection


@contextlib.contextmanager
def engine(*, frugal: bool = False) -> Iterator[DuckDBPyConnection]:
    """Start DuckDB with nothing in it; that takes ten times as long as opening a ledger in it.

    A `frugal` one is for a little at a time: each thread has buffers of its own, and what was used once is
    kept for the next time, all in all half of what a process takes that drains.
    """
    with _connect(":memory:") as connection:
        if frugal:
            connection.execute("SET threads = 1; SET allocator_flush_threshold = '4MB'")
        yield connection


@contextlib.contextmanager
def writing(
    ledger: Ledger, patience: Patience | None = None, *, using: DuckDBPyConnection | None = None
) -> Iterator[DuckDBPyConnection]:
    """Open the ledger to write, made or brought up to date if need be, with the gate closed to readers.

    Only for whoever is elected to drain; `using` an engine it has already, if it has one.
    What is not committed when the block ends is not written.
    Raises `LedgerBusy`, `LedgerBroken` or `schema.NewerLedger`.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(locks.closed(ledger.gate))
        if ledger.rebuilding.exists():
            raise LedgerBroken(_being_rebuilt(ledger))
        connection = using or stack.enter_context(engine())
        if not ledger.database.exists():
            make(connection, ledger.database)
        stack.enter_context(_attached(connection, ledger.database, patience or Patience()))
        schema.upgrade(connection)
        yield connection


@contextlib.contextmanager
def scratch(*, frugal: bool = False) -> Iterator[DuckDBPyConnection]:
    """Open an empty ledger in memory; `frugal` as in `engine`."""
    with engine(frugal=frugal) as connection:
        schema.create(connection)
        yield connection


def value(connection: DuckDBPyConnection, query: str) -> Any:
    """Ask for a single value; `None` if there is no row."""
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]


@contextlib.contextmanager
def elected(ledger: Ledger) -> Iterator[bool]:
    """Say whether this process is the one that drains; it is until the block ends, or the process."""
    ledger.spool.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(ledger.election, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640)
    try:
        yield locks.lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)


def _open_to_read(ledger: Ledger, patience: Patience) -> DuckDBPyConnection:
    trouble: FarthingError = LedgerBusy()
    for _ in patience.tries():
        if not ledger.database.exists():
            trouble = LedgerBroken(_being_rebuilt(ledger))
        elif locks.is_open(ledger.gate):
            # One that is damaged is waited for, too: the drainer makes it anew.
            try:
                with _unless_held(ledger.database):
                    return _connect(str(ledger.database.absolute()), read_only=True)
            except LedgerDamaged as error:
                trouble = error
    if isinstance(trouble, LedgerDamaged):
        _suspect(ledger, trouble)
    raise trouble


def _being_rebuilt(ledger: Ledger) -> str:
    try:
        since = ledger.rebuilding.read_text(encoding="utf-8")
    except FileNotFoundError:
        since = "a moment ago"
    return f"The ledger was damaged and is being made anew; ask again in a while. ({since})"


@contextlib.contextmanager
def _telling_damage(ledger: Ledger) -> Iterator[None]:
    """Leave word for the drainer if what is read turns out to be damaged."""
    try:
        yield
    except Exception as error:
        if (reason := damage_in(error)) is None:
            raise
        damaged = LedgerDamaged(_damaged(ledger.database, reason))
        _suspect(ledger, damaged)
        raise damaged from error


def _suspect(ledger: Ledger, error: LedgerDamaged) -> None:
    with contextlib.suppress(OSError):
        ledger.suspicion.write_text(str(error), encoding="utf-8")


def _damaged(database: Path, reason: str) -> str:
    return (
        f"The ledger {database} is damaged: {reason} "
        "The drainer makes it anew of what is kept beside it, or `farthing ledger repair` does."
    )


@contextlib.contextmanager
def _attached(connection: DuckDBPyConnection, database: Path, patience: Patience) -> Iterator[None]:
    for _ in patience.tries():
        with _unless_held(database):
            _attach(connection, database)
            break
    else:
        raise LedgerBusy
    try:
        yield
    finally:
        # There is nothing to roll back after a commit, nor where none was begun.
        with contextlib.suppress(duckdb.TransactionException):
            connection.rollback()
        _detach(connection)


@contextlib.contextmanager
def _unless_held(database: Path) -> Iterator[None]:
    """Go on behind the block if another has the file; other trouble is `LedgerBroken`."""
    try:
        yield
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        if damage_in(error):
            raise LedgerDamaged(_damaged(database, reason)) from error
        if not any(text in reason for text in HELD):
            raise LedgerBroken(f"The ledger {database} cannot be opened: {reason}") from error


def _connect(database: str, *, read_only: bool = False) -> DuckDBPyConnection:
    connection = duckdb.connect(database, read_only=read_only, config=dict(CONFIG))
    # Else whatever takes two seconds draws a bar into the report.
    connection.execute("SET enable_progress_bar = false")
    return connection


def _attach(connection: DuckDBPyConnection, database: Path) -> None:
    quoted = str(database.absolute()).replace("'", "''")
    connection.execute(f"ATTACH '{quoted}' AS ledger_file (STORAGE_VERSION '{STORAGE}')")
    connection.execute("USE ledger_file")


def _detach(connection: DuckDBPyConnection) -> None:
    connection.execute("USE memory")
    connection.execute("DETACH ledger_file")


def make(
    connection: DuckDBPyConnection, database: Path, fill: Callable[[DuckDBPyConnection], None] | None = None
) -> None:
    """Make and `fill` the file under another name: a crash must not leave one that nobody can open."""
    draft = database.with_name(database.name + ".new")
    for leftover in (draft, draft.with_name(draft.name + ".wal")):
        leftover.unlink(missing_ok=True)
    _attach(connection, draft)
    try:
        schema.create(connection)
        if fill is not None:
            fill(connection)
    finally:
        _detach(connection)
    draft.rename(database)
