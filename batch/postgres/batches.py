"""Batches and their states."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict

from batch.jobs import ENDED, Batch, Line, LineState, Move, State
from batch.postgres.database import Connection, Database, count_of, plain, rows_of, turn_of
from batch.rows import batch_of, dumped, problem_text
from router.types import Lane

FIRST = 1 << 30


class Batches(Database):
    """See `batch.seams.Store`."""

    def add_batch(self, batch: Batch, /) -> None:
        row = {"id": batch.id, "owner": batch.principal.key, "state": batch.state, "row": dumped(batch)}
        with self.connection() as db:
            count_of(db, "add_batch", **row)

    def batch(self, batch_id: str, /) -> Batch | None:
        with self.connection() as db:
            rows = rows_of(db, "batch", id=plain(batch_id))
        return batch_of(rows[0]) if rows else None

    def batches(self, owner: str | None, *, after: str | None, limit: int) -> list[Batch]:
        with self.connection() as db:
            rows = rows_of(db, "batches", owner=owner, after=after and plain(after), limit=limit)
        return [batch_of(row) for row in rows]

    def under_way(self) -> list[Batch]:
        with self.connection() as db:
            return [batch_of(row) for row in rows_of(db, "under_way")]

    def alone(self, batch_id: str, /) -> AbstractContextManager[bool]:
        with self.connection() as db:
            turn = turn_of(db, batch_id)
        return self.locked(turn)

    def begin(self, batch_id: str, lines: Iterable[Line], *, at: int) -> bool:
        def work(db: Connection) -> bool:
            if not _moved(db, batch_id, Move(before=(State.VALIDATING,), state=State.IN_PROGRESS, at=at)):
                return False
            turn = turn_of(db, batch_id)
            in_turn = sorted(lines, key=lambda line: line.place)
            jobs = self.jobs(db).put(
                sum(line.problem is None for line in in_turn), priority=_priority(db, batch_id, turn)
            )
            _write(db, turn, in_turn, iter(jobs))
            count_of(db, "tally", turn=turn)
            return True

        return self.transaction(work)

    def move(self, batch_id: str, move: Move, /) -> bool:
        return self.transaction(lambda db: _moved(db, batch_id, move))

    def retry_failed(self, batch_id: str, *, at: int, deadline: int) -> int:
        def work(db: Connection) -> int:
            batch = _read(db, batch_id)
            if batch is None or batch.state not in ENDED:
                return 0
            turn = turn_of(db, batch_id)
            again = rows_of(db, "retry_failed", turn=turn)
            if again:
                numbers = sorted((row["place"], row["number"]) for row in again)
                jobs = self.jobs(db).put(len(numbers), priority=_priority(db, batch_id, turn))
                pairs = [number for _, number in numbers]
                count_of(db, "give_jobs", turn=turn, numbers=pairs, jobs=jobs)
                _save(db, batch.again(at=at, deadline=deadline))
            return len(again)

        return self.transaction(work)


def _priority(db: Connection, batch_id: str, turn: int) -> int:
    """Say whose lines come first: those of single requests, and then those of the older batch."""
    batch = _read(db, batch_id)
    single = batch is not None and batch.lane is Lane.BACKGROUND
    return (FIRST if single else 0) - turn


def _write(db: Connection, turn: int, lines: Sequence[Line], jobs: Iterator[int]) -> None:
    """Write lines, and with each that can be tried its job."""
    with db.cursor().copy(
        "COPY lines (batch, number, custom_id, start, length, model, place, state, job, problem) FROM STDIN"
    ) as copy:
        for line in lines:
            waits = line.problem is None
            copy.write_row(
                (
                    turn,
                    line.number,
                    None if line.custom_id is None else line.custom_id.encode(),
                    line.offset,
                    line.length,
                    line.model.encode(),
                    line.place,
                    int(LineState.WAITING if waits else LineState.FAILED),
                    next(jobs) if waits else None,
                    problem_text(line.problem),
                )
            )


def _read(db: Connection, batch_id: str) -> Batch | None:
    """Read a batch, and keep others from changing its state until the transaction ends."""
    rows_of(db, "lock_batch", id=plain(batch_id))
    rows = rows_of(db, "batch", id=plain(batch_id))
    return batch_of(rows[0]) if rows else None


def _moved(db: Connection, batch_id: str, move: Move) -> bool:
    """Move a batch, if it may be moved so."""
    batch = _read(db, batch_id)
    if batch is None or batch.state not in move.before:
        return False
    for file in (move.output, move.errors):
        if file is not None:
            count_of(db, "add_file", **asdict(file))
    moved = batch.moved(move)
    _save(db, moved)
    if moved.answer_in_file:
        count_of(db, "forget_answers", turn=turn_of(db, batch_id))
    return True


def _save(db: Connection, batch: Batch) -> None:
    count_of(db, "save_batch", id=batch.id, state=batch.state, row=dumped(batch))
