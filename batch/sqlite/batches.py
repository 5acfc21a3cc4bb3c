"""Batches and their states."""

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice

from batch.jobs import ENDED, Batch, Line, LineState, Move, State
from batch.rows import batch_of, dumped, problem_text
from batch.sqlite.database import AT_ONCE, BREATH, SQL, Database, many, turn_of


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
            turn = turn_of(db, batch_id)
            db.execute(SQL["drop_lines"], {"turn": turn})  # of one who was killed meanwhile
        rows = (_row(turn, line) for line in lines)
        # Nobody looks at the lines of a batch that has not begun.
        while some := list(islice(rows, AT_ONCE)):
            with self._writing() as db:
                db.execute(*many("add_lines", some))
            self._tidy()
            time.sleep(BREATH)
        with self._writing() as db:
            if _moved(db, batch_id, Move(before=(State.VALIDATING,), state=State.IN_PROGRESS, at=at)) is None:
                db.execute(SQL["drop_lines"], {"turn": turn})
                return False
            db.execute(SQL["tally"], {"turn": turn})
            return True

    def move(self, batch_id: str, move: Move, /) -> bool:
        with self._writing() as db:
            return _moved(db, batch_id, move) is not None

    def retry_failed(self, batch_id: str, *, at: int, deadline: int) -> int:
        with self._writing() as db:
            batch = _read(db, batch_id)
            if batch is None or batch.state not in ENDED:
                return 0
            count = db.execute(SQL["retry_failed"], {"turn": turn_of(db, batch_id)}).rowcount
            if count:
                _save(db, batch.again(at=at, deadline=deadline))
            return count


def _row(turn: int, line: Line) -> tuple[object, ...]:
    return (
        turn,
        line.number,
        line.custom_id,
        line.offset,
        line.length,
        line.model,
        line.place,
        LineState.WAITING if line.problem is None else LineState.FAILED,
        problem_text(line.problem),
    )


def _read(db: sqlite3.Connection, batch_id: str) -> Batch | None:
    row = db.execute(SQL["batch"], {"id": batch_id}).fetchone()
    return batch_of(row) if row else None


def _moved(db: sqlite3.Connection, batch_id: str, move: Move) -> Batch | None:
    """Move a batch and return it; `None` if it may not be moved so."""
    batch = _read(db, batch_id)
    if batch is None or batch.state not in move.before:
        return None
    for file in (move.output, move.errors):
        if file is not None:
            db.execute(SQL["add_file"], asdict(file))
    moved = batch.moved(move)
    _save(db, moved)
    if moved.answer_in_file:
        db.execute(SQL["forget_answers"], {"turn": turn_of(db, batch_id)})
    return moved


def _save(db: sqlite3.Connection, batch: Batch) -> None:
    db.execute(SQL["save_batch"], {"id": batch.id, "state": batch.state, "row": dumped(batch)})
