"""The one door to pgqueuer, which hands out jobs, a job a line: durably, to whoever is free, once each.

Its statements run in our transactions, so that a job and its line never say different things.
"""

from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import NAMESPACE_OID, uuid5

from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter
from psycopg import RawCursor
from psycopg.rows import DictRow, dict_row

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")

LINE = QueueEntrypoint("line")

AT_ONCE = 10_000
"""Jobs queued with one statement."""

NEVER = timedelta(days=3650)
"""After which taking jobs would take from others too: that is done by `Store.orphans`, which books."""

MOST_STALE = 10_000


class Queue:
    """What pgqueuer says to the tables in a schema; made once, since making it reads the environment."""

    def __init__(self, schema: str) -> None:
        settings = DBSettings(prefix="", db_schema=schema)
        self._tables, self._jobs = QueryBuilderEnvironment(settings), QueryQueueBuilder(settings)

    def on(self, db: "Connection[DictRow]") -> "Jobs":
        driver = _Driver(db)
        return Jobs(Queries(driver, qbe=self._tables, qbq=self._jobs))  # type: ignore[arg-type]  # deaf


class Jobs:
    """The queue, on a connection that may be in a transaction."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def install(self) -> None:
        """Make its tables, or bring them up to date; not in a transaction."""
        there = at_once(self._queries.schema_is_installed())
        at_once(self._queries.upgrade() if there else self._queries.install())

    def put(self, count: int, *, priority: int) -> list[int]:
        """Queue jobs, and return their numbers in the order of their turns."""
        numbers: list[int] = []
        for start in range(0, count, AT_ONCE):
            some = min(AT_ONCE, count - start)
            numbers += at_once(self._queries.enqueue([LINE] * some, [None] * some, [priority] * some))
        return numbers

    def take(self, worker: str, limit: int) -> list[int]:
        """Take jobs that wait, and return their numbers; nobody else gets them."""
        everyone = {LINE: EntrypointExecutionParameter(concurrency_limit=0)}
        who = QueueManagerId(uuid5(NAMESPACE_OID, worker))
        taken = at_once(self._queries.dequeue(limit, everyone, who, None, NEVER))
        return [job.id for job in taken]

    def end(self, numbers: Sequence[int], status: str) -> None:
        """Take jobs out of the queue: `successful`, `exception` or `canceled`."""
        sql = self._queries.qbq.build_log_job_query()
        ends = ([status] * len(numbers), [None] * len(numbers))
        at_once(self._queries.driver.execute(sql, list(numbers), *ends))

    def put_back(self, number: int, wait: float) -> None:
        """Let a job that was taken wait again, for so many seconds at least."""
        sql = self._queries.qbq.build_retry_job_query()
        at_once(self._queries.driver.execute(sql, number, timedelta(seconds=wait), None))

    def beat(self, numbers: Sequence[int]) -> None:
        """Say that whoever has taken these lives."""
        at_once(self._queries.update_heartbeat(list(numbers)))  # type: ignore[arg-type]  # ints, by name

    def silent(self, seconds: float) -> list[int]:
        """Return the jobs that were taken, and of whose takers nothing was heard for so long."""
        stale = at_once(self._queries.stale_jobs(timedelta(seconds=seconds), MOST_STALE))
        return [job.id for job in stale]

    def add_up(self) -> None:
        """Count by the second what is noted job by job, which can then be dropped."""
        at_once(self._queries.aggregate_logs())


class _Driver:
    """pgqueuer's `Driver` over a connection that blocks, in a thread where that is right."""

    def __init__(self, db: "Connection[DictRow]") -> None:
        self._db = db

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        cursor = RawCursor(self._db, row_factory=dict_row)
        return cursor.execute(query.encode(), args or None).fetchall()

    async def execute(self, query: str, *args: object) -> str:
        return RawCursor(self._db).execute(query.encode(), args or None).statusmessage or ""


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end that waits for nothing, since its driver does not."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    coroutine.close()
    raise RuntimeError("pgqueuer has begun to wait for something")
