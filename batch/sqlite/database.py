"""Opening the file, and the statements by name."""

import fcntl
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path

from batch.statements import statements
from router.errors import StoreAway

PATIENCE = 30.0
"""Seconds to wait while another process writes."""


SQL = statements("batch.sqlite")

LONGEST_LOG = 4 << 20
"""Bytes of the log from which on it is emptied, by whoever works on batches and not by whoever asks."""

TIDY_EVERY = 2.0

AT_ONCE = 200
"""Lines that are written in one transaction, so that nobody waits long who wants to write one."""

BREATH = 0.001
"""Seconds between two such transactions, in which others have their turn."""


STUCK = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
    }
)


class Database:
    """The file in `folder`; any thread of any process may call."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "batch.sqlite"
        # One of those that write stays open: to open the file anew costs more than most of what is written,
        # and when nobody has it open any more, SQLite empties its log.
        self._turn, self._writer = threading.Lock(), self._connected()
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._readers: list[sqlite3.Connection] = []
        self._gate, self._queue = (
            os.open(folder / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            for name in ("write.lock", "queue.lock")
        )
        for lock in (self._gate, self._queue):
            weakref.finalize(self, os.close, lock)
        self._tidied = time.monotonic()
        with self._open() as db, self._in_turn():
            _widen(db)
            db.executescript(files("batch.sqlite").joinpath("schema.sql").read_text())

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # One for each that reads at once. To open it anew is eight steps, and at each others may run first.
        try:
            db = self._readers.pop()
        except IndexError:
            db = self._connected()
        try:
            with _away_if_stuck():
                yield db
        except BaseException:
            db.close()
            raise
        self._readers.append(db)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Take one transaction, which is undone if the block raises."""
        with _away_if_stuck(), self._in_turn():
            db = self._writer
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Wait for the other threads, then for other processes; whoever waits is woken.

        SQLite itself would have them look again only now and then. A process that has written stands behind
        one that waits, so that nobody who cancels a batch waits for more than one transaction of it.
        """
        with self._turn:
            fcntl.flock(self._queue, fcntl.LOCK_EX)
            fcntl.flock(self._gate, fcntl.LOCK_EX)
            fcntl.flock(self._queue, fcntl.LOCK_UN)
            try:
                yield
            finally:
                fcntl.flock(self._gate, fcntl.LOCK_UN)

    def purge(self) -> None:
        """Empty the log: what was dropped still stands there."""
        with self._in_turn(), self._open() as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _tidy(self) -> None:
        """Empty the log now and then if it has grown, which waits for the disk; others write meanwhile."""
        now = time.monotonic()
        if now - self._tidied < TIDY_EVERY:
            return
        self._tidied = now
        with suppress(FileNotFoundError):
            if self._path.with_name(f"{self._path.name}-wal").stat().st_size > LONGEST_LOG:
                with self._open() as db:
                    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _connected(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("PRAGMA secure_delete = ON")
        return db


@contextmanager
def _away_if_stuck() -> Iterator[None]:
    """Raise `StoreAway` for what is the disk's fault, and may be over in a while: whoever writes waits."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in STUCK:
            raise
        raise StoreAway(f"The queue of batches cannot be used: {error}.") from error


def _widen(db: sqlite3.Connection) -> None:
    """Give the tables of an older file the columns that came since."""
    db.execute("BEGIN IMMEDIATE")
    for table, column in (("lines", "held"), ("lines", "paid"), ("tallies", "held")):
        there = {row["name"] for row in db.execute(f"PRAGMA table_info({table})")}
        if there and column not in there:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")
    db.execute("COMMIT")


def many(statement: str, rows: Sequence[Sequence[object]]) -> tuple[str, list[object]]:
    """Say a statement with `VALUES (?)` of many rows; return it with what stands in them.

    So it is one step for SQLite. Between two steps other threads of this process run, each as long as it may,
    while those who want to write wait.
    """
    row = f"({', '.join('?' * len(rows[0]))})"
    values = f"VALUES {', '.join([row] * len(rows))}"
    return SQL[statement].replace("VALUES (?)", values), [value for given in rows for value in given]


def turn_of(db: sqlite3.Connection, batch_id: str) -> int:
    """Return the row number of a batch; raise `KeyError` if there is none."""
    row = db.execute(SQL["turn"], {"id": batch_id}).fetchone()
    if row is None:
        raise KeyError(batch_id)
    return int(row["turn"])
