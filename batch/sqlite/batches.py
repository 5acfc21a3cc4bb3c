"""Batches and their states."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from batch.jobs import Batch, Line, LineState, Problem, State
from batch.sqlite.database import SQL, Database, turn_of
from batch.sqlite.rows import batch_of, dumped, problem_text

ENDED = (State.COMPLETED, State.EXPIRED, State.CANCELLED)
"""States from which lines may be tried again; a batch that failed never had any."""


class Batches(Database):
    """See `batch.seams.Store`."""

    def add_batch(self, batch: Batch, /) -> None:
        with self._writing() as db:
            row = {"id": batch.id, "owner": batch.principal.key, "state": batch.state, "row": dumped(batch)}
            turn = db.execute(SQL["add_batch"], row).lastrowid
            db.execute(SQL["add_tally"], {"turn": turn})

    def batch(self, batch_id: str, /) -> Batch | None:
        with self._open() as db:
            return _read(db, batch_id)

    def batches(self, owner: str | None, *, after: str | None, limit: int) -> list[Batch]:
        with self._open() as db:
            return [
                batch_of(row)
                for row in db.execute(SQL["batches"], {"owner": owner, "after": after, "limit": limit})
            ]

    def under_way(self) -> list[Batch]:
        with self._open() as db:
            return [batch_of(row) for row in db.execute(SQL["under_way"])]

    def begin(self, batch_id: str, lines: Iterable[Line], *, at: int) -> bool:
        with self._writing() as db:
            if not _move(db, batch_id, (State.VALIDATING,), State.IN_PROGRESS, at=at):
                return False
            turn = turn_of(db, batch_id)
            rows = (
                {
                    "turn": turn,
                    "number": line.number,
                    "custom_id": line.custom_id,
                    "offset": line.offset,
                    "length": line.length,
                    "model": line.model,
                    "place": line.place,
                    "state": LineState.WAITING if line.problem is None else LineState.FAILED,
                    "problem": problem_text(line.problem),
                }
                for line in lines
            )
            db.executemany(SQL["add_line"], rows)
            db.execute(SQL["tally"], {"turn": turn})
            return True

    def move(
        self,
        batch_id: str,
        before: Iterable[State],
        state: State,
        *,
        at: int,
        problems: Sequence[Problem] = (),
        output: str | None = None,
        errors: str | None = None,
    ) -> bool:
        with self._writing() as db:
            return _move(db, batch_id, before, state, at=at, problems=problems, output=output, errors=errors)

    def retry_failed(self, batch_id: str, *, at: int, deadline: int) -> int:
        with self._writing() as db:
            batch = _read(db, batch_id)
            if batch is None or batch.state not in ENDED:
                return 0
            count = db.execute(SQL["retry_failed"], {"turn": turn_of(db, batch_id)}).rowcount
            if count:
                window = deadline - batch.created
                again = replace(batch, window=window, output_file=None, error_file=None)
                _save(db, again)
                _move(db, batch_id, ENDED, State.IN_PROGRESS, at=at)
            return count


def _read(db: sqlite3.Connection, batch_id: str) -> Batch | None:
    row = db.execute(SQL["batch"], {"id": batch_id}).fetchone()
    return batch_of(row) if row else None


def _move(
    db: sqlite3.Connection,
    batch_id: str,
    before: Iterable[State],
    state: State,
    *,
    at: int,
    problems: Sequence[Problem] = (),
    output: str | None = None,
    errors: str | None = None,
) -> bool:
    batch = _read(db, batch_id)
    if batch is None or batch.state not in set(before):
        return False
    moved = replace(
        batch,
        state=state,
        stamps={**batch.stamps, f"{state}_at": at},
        problems=tuple(problems) or batch.problems,
        output_file=output or batch.output_file,
        error_file=errors or batch.error_file,
    )
    _save(db, moved)
    return True


def _save(db: sqlite3.Connection, batch: Batch) -> None:
    db.execute(SQL["save_batch"], {"id": batch.id, "state": batch.state, "row": dumped(batch)})
