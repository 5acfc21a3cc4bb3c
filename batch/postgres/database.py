"""The one door to psycopg: connections, transactions, the statements by name, the tables."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from importlib.resources import files
from threading import Lock
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from batch.postgres.jobs import Jobs, Queue
from batch.postgres.listening import Listener
from batch.statements import statements
from router.errors import StoreAway

T = TypeVar("T")
Connection: TypeAlias = psycopg.Connection[DictRow]

SCHEMA = "farthing"
"""Of the database: the tables of ours and of pgqueuer lie in it."""

MOST_CONNECTIONS = 8
PATIENCE = 5.0
"""Seconds to wait for a connection before the store counts as away."""

REST = 2.0
"""Seconds for which it then counts as away at once, so that threads that others need do not wait in it."""

TRIES = 5
"""Of a transaction that another one stood in the way of."""

LOCKS = 0x6661
"""What our advisory locks are known by among those of whoever else uses the database."""


SQL = statements("batch.postgres")

# The pool tells of every attempt to connect; that the store is away is said by whoever wants it.
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


class Database:
    """A database by its URL. Nothing is asked of it before something is wanted."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = ConnectionPool(
            url,
            connection_class=psycopg.Connection[DictRow],
            kwargs={"row_factory": dict_row, "autocommit": True, "application_name": "farthing"},
            configure=_settle,
            min_size=1,
            max_size=MOST_CONNECTIONS,
            timeout=PATIENCE,
            open=False,
            name="farthing-batch",
        )
        self._made, self._making = False, Lock()
        self._away_until = 0.0
        self._queue = Queue(SCHEMA)

    def listen(self, wake: Callable[[], object], /) -> AbstractContextManager[None]:
        return Listener(self._url, wake).listening()

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection, in autocommit mode; raise `StoreAway` if there is none, or it breaks."""
        if time.monotonic() < self._away_until:
            raise StoreAway
        try:
            self._pool.open()
            with self._pool.connection() as db:
                self._make(db)
                yield db
        except (PoolTimeout, psycopg.OperationalError) as error:
            if isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
                raise
            if isinstance(error, PoolTimeout):
                self._away_until = time.monotonic() + REST
            raise StoreAway(f"The database of batches cannot be reached: {error}") from error

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Do `work` as a whole or not at all; again, if another transaction stood in its way."""
        for last in range(TRIES, 0, -1):
            try:
                with self.connection() as db, db.transaction():
                    return work(db)
            except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure) as error:
                if last == 1:
                    raise StoreAway(f"The database of batches is too busy: {error}") from error
        raise AssertionError

    @contextmanager
    def locked(self, number: int) -> Iterator[bool]:
        """Hold an advisory lock, which goes when the connection does; yields whether it was to be had."""
        with self.connection() as db:
            row = db.execute("SELECT pg_try_advisory_lock(%s, %s) AS had", (LOCKS, number)).fetchone()
            had = row is not None and bool(row["had"])
            try:
                yield had
            finally:
                if had:
                    db.execute("SELECT pg_advisory_unlock(%s, %s)", (LOCKS, number))

    def jobs(self, db: Connection) -> Jobs:
        """The queue, in the transaction that `db` is in."""
        return self._queue.on(db)

    def _make(self, db: Connection) -> None:
        """Make the tables that are not there yet, once a process."""
        if self._made:
            return
        with self._making:
            if self._made:
                return
            db.execute("SELECT pg_advisory_lock(%s, 0)", (LOCKS,))
            try:
                self._install(db)
            finally:
                db.execute("SELECT pg_advisory_unlock(%s, 0)", (LOCKS,))
            self._made = True

    def _install(self, db: Connection) -> None:
        """Make them as this version wants them; if they are so already, nobody who works is disturbed."""
        schema = files("batch.postgres").joinpath("schema.sql").read_bytes()
        wanted = hashlib.sha256(schema + version("pgqueuer").encode()).hexdigest()
        there = db.execute("SELECT obj_description(to_regclass('counted'), 'pg_class') AS said").fetchone()
        if there is None or there["said"] != wanted:
            self.jobs(db).install()
            db.execute(schema)
            db.execute(f"COMMENT ON VIEW counted IS '{wanted}'".encode())


def _settle(db: Connection) -> None:
    db.execute(f"SET search_path TO {SCHEMA}")


def rows_of(db: Connection, statement: str, /, **given: Any) -> list[dict[str, Any]]:
    """Say a statement of `queries.sql`, and return what it answers."""
    return db.execute(SQL[statement].encode(), given).fetchall()


def count_of(db: Connection, statement: str, /, **given: Any) -> int:
    """Say a statement, and return how many rows it changed."""
    return db.execute(SQL[statement].encode(), given).rowcount


def turn_of(db: Connection, batch_id: str) -> int:
    """Return the row number of a batch; raise `KeyError` if there is none."""
    rows = rows_of(db, "turn", id=batch_id)
    if not rows:
        raise KeyError(batch_id)
    return int(rows[0]["turn"])


def plain(text: str) -> str:
    """Give a text without NUL, which PostgreSQL cannot keep; what callers ask for by id never has one."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
