"""The queue: lines that wait, are claimed, and end."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from batch.jobs import Claim, Line, LineState, Problem, Result, Room
from batch.postgres.database import SQL, Connection, Database, count_of, rows_of, turn_of
from batch.rows import claim_of, held, line_of, problem_text, result_of
from router.types import Picodollars

PAGE = 200
"""Lines of a result that are in memory at once."""

PASSED_FOR = 5.0
"""Seconds for which a line is not looked at again that was passed over."""

ENDS: Mapping[LineState, str] = MappingProxyType(
    {LineState.DONE: "successful", LineState.FAILED: "exception"}
)
"""What the queue is told of a job whose line has ended so."""


class Lines(Database):
    """See `batch.seams.Store`."""

    def claim(self, worker: str, limit: int, *, but: Collection[str] = ()) -> list[Claim]:
        def work(db: Connection) -> list[Claim]:
            jobs = self.jobs(db)
            taken = jobs.take(worker, limit)
            # The queue knows no models: a job that it gave is put back, and not given again at once.
            models = [word.encode() for word in but]
            passed = {row["job"] for row in rows_of(db, "passed_over", jobs=taken, models=models)}
            for job in passed:
                jobs.put_back(job, PASSED_FOR)
            taken = [job for job in taken if job not in passed]
            rows = rows_of(db, "claim", jobs=taken, worker=worker) if taken else []
            at = {job: place for place, job in enumerate(taken)}
            # What an update returns is in no order. A job whose batch is stopped goes with `drop_waiting`.
            return [_claim(row) for row in sorted(rows, key=lambda row: at[row["job"]])]

        return self.transaction(work)

    def sent(self, notes: Sequence[tuple[Claim, str]], /) -> Sequence[None]:
        def work(db: Connection) -> None:
            claims, models = zip(*notes, strict=True)
            count_of(db, "sent", **_columns(claims), models=list(models))

        self.transaction(work)
        return [None] * len(notes)

    def reserve(self, claim: Claim, amount: Picodollars, *, limit: Picodollars) -> Room:
        def work(db: Connection) -> Room:
            rows_of(db, "one_reserves", batch=claim.batch)
            (standing,) = rows_of(db, "standing", batch=claim.batch)
            if standing["spent"] + amount > limit:
                return Room.SPENT
            if standing["spent"] + standing["held"] + amount > limit:
                return Room.FULL
            return Room.HELD if count_of(db, "hold", **held(claim), amount=amount) else Room.SPENT

        return self.transaction(work)

    def settle(self, claim: Claim, amount: Picodollars, cost: Picodollars) -> None:
        def work(db: Connection) -> None:
            count_of(db, "settle", **held(claim), amount=amount, cost=cost)

        self.transaction(work)

    def complete(self, ended: Sequence[tuple[Claim, Result]], /) -> Sequence[bool]:
        claims, results = zip(*ended, strict=True)
        said = {
            "states": [int(result.state) for result in results],
            "statuses": [result.status for result in results],
            "requests": [result.request_id for result in results],
            "models": [result.model for result in results],
            "attempts": [result.attempts for result in results],
            "bodies": [result.body for result in results],
            "costs": [result.cost for result in results],
        }

        def work(db: Connection) -> list[bool]:
            rows = rows_of(db, "complete", **_columns(claims), **said)
            for state, status in ENDS.items():
                self.jobs(db).end([row["job"] for row in rows if row["state"] == state], status)
            recorded = {row["place"] for row in rows}
            for place, (claim, result) in enumerate(ended, start=1):
                if place not in recorded and result.cost is not None:
                    count_of(db, "spend", batch=claim.batch, number=claim.line.number, cost=result.cost)
            return [place in recorded for place in range(1, len(ended) + 1)]

        return self.transaction(work)

    def give_back(
        self, claim: Claim, /, *, cost: Picodollars | None = None, lost: bool = False, wait: float = 0.0
    ) -> None:
        def work(db: Connection) -> None:
            for row in rows_of(db, "give_back", **held(claim), cost=cost, lost=lost):
                self.jobs(db).put_back(row["job"], wait)

        self.transaction(work)

    def renew(self, claims: Iterable[Claim], /) -> None:
        columns = _columns(claims)

        def work(db: Connection) -> None:
            self.jobs(db).beat([row["job"] for row in rows_of(db, "claimed", **columns)])

        if columns["numbers"]:
            self.transaction(work)

    def resign(self, worker: str, /) -> None:
        with self.connection() as db:
            count_of(db, "resign", worker=worker)

    def take_over(
        self, heir: str, /, *, worker: str | None = None, silent: float = 0
    ) -> list[tuple[Claim, Sequence[str]]]:
        def work(db: Connection) -> list[tuple[Claim, Sequence[str]]]:
            rows_of(db, "one_at_a_time")
            jobs = self.jobs(db)
            stale = jobs.silent(silent) if silent else None
            rows = rows_of(db, "take_over", heir=heir, worker=worker, stale=stale)
            jobs.beat([row["job"] for row in rows])
            return [(_claim(row), row["sent"] or ()) for row in rows]

        return self.transaction(work)

    def drop_waiting(self, batch_id: str, problem: Problem, /) -> int:
        def work(db: Connection) -> int:
            turn = turn_of(db, batch_id)
            # In the order in which claiming locks: jobs, then lines.
            waiting = [row["id"] for row in rows_of(db, "waiting_jobs", turn=turn)]
            gone = rows_of(db, "drop_waiting", turn=turn, jobs=waiting, problem=problem_text(problem))
            self.jobs(db).end([row["job"] for row in gone], "canceled")
            return len(gone)

        return self.transaction(work)

    def results(self, batch_id: str, *, good: bool) -> Iterator[tuple[Line, Result | Problem]]:
        with self.connection() as db, db.transaction():
            turn = turn_of(db, batch_id)
            with db.cursor(name="results") as cursor:
                cursor.itersize = PAGE
                cursor.execute(SQL["good_results" if good else "other_results"].encode(), {"turn": turn})
                for row in cursor:
                    yield line_of(_read(row)), result_of(row)


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    """What callers may have written with a NUL is kept as bytes."""
    custom_id = row["custom_id"]
    return {
        **row,
        "custom_id": None if custom_id is None else bytes(custom_id).decode(),
        "model": bytes(row["model"]).decode(),
    }


def _claim(row: Mapping[str, Any]) -> Claim:
    return claim_of(row["batch_id"], _read(row))


def _columns(claims: Iterable[Claim]) -> dict[str, list[Any]]:
    """Say of many claims what identifies each, as statements take it that touch no other's."""
    given = list(claims)
    return {
        "batches": [claim.batch for claim in given],
        "numbers": [claim.line.number for claim in given],
        "workers": [claim.worker for claim in given],
        "tries": [claim.tries for claim in given],
    }
