"""Batches and their states."""

import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, replace

from batch.jobs import Batch, Line, LineState, Move, State
from batch.sqlite.database import SQL, Database, turn_of
from batch.sqlite.rows import batch_of, dumped, problem_text

ENDED = (State.COMPLETED, State.EXPIRED, State.CANCELLED)
"""States from which lines may be tried again; a batch that failed never had any."""

BEGINNINGS = frozenset({"in_progress_at"})
"""What stays true of when a batch that begins anew entered which state."""


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
            if _moved(db, batch_id, Move(before=(State.VALIDATING,), state=State.IN_PROGRESS, at=at)) is None:
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
                moved = _moved(db, batch_id, Move(before=ENDED, state=State.IN_PROGRESS, at=at))
                assert moved is not None, "it has ended"
                stamps = {name: when for name, when in moved.stamps.items() if name in BEGINNINGS}
                window = deadline - batch.created
                _save(db, replace(moved, window=window, stamps=stamps, output_file=None, error_file=None))
            return count


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
    moved = replace(
        batch,
        state=move.state,
        stamps={**batch.stamps, f"{move.state}_at": move.at},
        problems=tuple(move.problems) or batch.problems,
        output_file=move.output.id if move.output else batch.output_file,
        error_file=move.errors.id if move.errors else batch.error_file,
    )
    _save(db, moved)
    return moved


def _save(db: sqlite3.Connection, batch: Batch) -> None:
    db.execute(SQL["save_batch"], {"id": batch.id, "state": batch.state, "row": dumped(batch)})
