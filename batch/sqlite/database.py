"""Opening the file, and the statements by name."""

import fcntl
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.resources import files
from pathlib import Path

from batch.statements import statements

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


class Database:
    """The file in `folder`; each use opens it, so any thread of any process may call."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "batch.sqlite"
        # One of those that write stays open: to open the file anew costs more than most of what is written,
        # and when nobody has it open any more, SQLite empties its log.
        self._turn, self._writer = threading.Lock(), self._connected(check_same_thread=False)
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._gate = os.open(folder / "write.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        weakref.finalize(self, os.close, self._gate)
        self._tidied = time.monotonic()
        with self._open() as db, self._in_turn():
            _widen(db)
            db.executescript(files("batch.sqlite").joinpath("schema.sql").read_text())

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # Opening takes a tenth of a millisecond, and nobody has to say which thread owns what.
        with closing(self._connected()) as db:
            yield db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Take one transaction, which is undone if the block raises."""
        with self._in_turn():
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

        SQLite itself would have them look again only now and then.
        """
        with self._turn:
            fcntl.flock(self._gate, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._gate, fcntl.LOCK_UN)

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

    def _connected(self, *, check_same_thread: bool = True) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=check_same_thread
        )
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        return db


def _widen(db: sqlite3.Connection) -> None:
    """Give the tables of an older file the columns that came since."""
    db.execute("BEGIN IMMEDIATE")
    for table, column in (("lines", "held"), ("lines", "paid"), ("tallies", "held")):
        there = {row["name"] for row in db.execute(f"PRAGMA table_info({table})")}
        if there and column not in there:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")
    db.execute("COMMIT")


def turn_of(db: sqlite3.Connection, batch_id: str) -> int:
    """Return the row number of a batch; raise `KeyError` if there is none."""
    row = db.execute(SQL["turn"], {"id": batch_id}).fetchone()
    if row is None:
        raise KeyError(batch_id)
    return int(row["turn"])
