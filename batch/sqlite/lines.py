"""The queue: lines that wait, are claimed, and end."""

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from batch.jobs import Claim, Line, Problem, Result, Room
from batch.rows import claim_of, held, line_of, problem_text, result_of
from batch.sqlite.database import AT_ONCE, BREATH, SQL, Database, many, turn_of
from router.types import Picodollars


class Lines(Database):
    """See `batch.seams.Store`."""

    def listen(self, _wake: Callable[[], object], /) -> AbstractContextManager[None]:
        return nullcontext()  # looking costs a tenth of a millisecond

    def alone(self, _batch_id: str, /) -> AbstractContextManager[bool]:
        return nullcontext(True)  # one process of one machine is elected to work on this store

    def claim(self, worker: str, limit: int, *, but: Collection[str] = ()) -> list[Claim]:
        claims: list[Claim] = []
        with self._writing() as db:
            for turn, batch_id in db.execute(SQL["in_progress"]).fetchall():
                if len(claims) >= limit:
                    break
                room = {"turn": turn, "limit": limit - len(claims), "but": json.dumps(list(but))}
                rows = json.loads(db.execute(SQL["next"], room).fetchone()[0])
                numbers = json.dumps([row[0] for row in rows])
                db.execute(SQL["claim"], {"turn": turn, "worker": worker, "numbers": numbers})
                claims += [_claim(batch_id, worker, row) for row in rows]
        return claims

    def sent(self, notes: Sequence[tuple[Claim, str]], /) -> Sequence[None]:
        with self._writing() as db:
            db.executemany(SQL["sent"], [held(claim) | {"model": model} for claim, model in notes])
        return [None] * len(notes)

    def reserve(self, claim: Claim, amount: Picodollars, *, limit: Picodollars) -> Room:
        with self._writing() as db:
            spent, under_way = db.execute(SQL["standing"], {"batch": claim.batch}).fetchone()
            if spent + amount > limit:
                return Room.SPENT
            if spent + under_way + amount > limit:
                return Room.FULL
            ours = db.execute(SQL["hold"], held(claim) | {"amount": amount}).rowcount
            return Room.HELD if ours else Room.SPENT

    def settle(self, claim: Claim, amount: Picodollars, cost: Picodollars) -> None:
        with self._writing() as db:
            db.execute(SQL["settle"], held(claim) | {"amount": amount, "cost": cost})

    def complete(self, ended: Sequence[tuple[Claim, Result]], /) -> Sequence[bool]:
        with self._writing() as db:
            ours = [(place, *held(claim).values()) for place, (claim, _) in enumerate(ended)]
            recorded = set(json.loads(db.execute(*many("held", ours)).fetchone()[0]))
            if recorded:
                db.execute(*many("complete", [_row(*ended[place]) for place in sorted(recorded)]))
            for place, (claim, result) in enumerate(ended):
                if place not in recorded and result.cost is not None:
                    spent = {"batch": claim.batch, "number": claim.line.number, "cost": result.cost}
                    db.execute(SQL["spend"], spent)
        self._tidy()
        return [place in recorded for place in range(len(ended))]

    def give_back(
        self, claim: Claim, /, *, cost: Picodollars | None = None, lost: bool = False, wait: float = 0.0
    ) -> None:
        with self._writing() as db:
            db.execute(SQL["give_back"], held(claim) | {"cost": cost, "lost": lost, "wait": wait})

    def renew(self, claims: Iterable[Claim], /) -> None:
        with self._writing() as db:
            db.executemany(SQL["renew"], [held(claim) for claim in claims])

    def resign(self, worker: str, /) -> None:
        with self._writing() as db:
            db.execute(SQL["resign"], {"worker": worker})

    def take_over(
        self, heir: str, /, *, worker: str | None = None, silent: float = 0
    ) -> list[tuple[Claim, Sequence[str]]]:
        with self._writing() as db:
            rows = db.execute(SQL["take_over"], {"heir": heir, "worker": worker, "silent": silent}).fetchall()
        return [(claim_of(row["batch_id"], row), json.loads(row["sent"] or "[]")) for row in rows]

    def drop_waiting(self, batch_id: str, problem: Problem, /) -> int:
        count = 0
        while True:
            with self._writing() as db:
                gone = {"turn": turn_of(db, batch_id), "problem": problem_text(problem), "limit": AT_ONCE}
                some = db.execute(SQL["drop_waiting"], gone).rowcount
            count += some
            if some < AT_ONCE:
                return count
            self._tidy()
            time.sleep(BREATH)

    def results(self, batch_id: str, *, good: bool) -> Iterator[tuple[Line, Result | Problem]]:
        with self._open() as db:
            turn = turn_of(db, batch_id)
            for row in db.execute(SQL["good_results" if good else "other_results"], {"turn": turn}):
                yield line_of(row), result_of(row)


def _row(claim: Claim, result: Result) -> tuple[object, ...]:
    return (
        *held(claim).values(),
        result.state,
        result.status,
        result.request_id,
        result.model,
        result.attempts,
        result.body,
        result.cost,
    )


def _claim(batch: str, worker: str, row: Sequence[Any]) -> Claim:
    number, custom_id, start, length, model, place, tries = row
    line = Line(
        number=number,
        custom_id=bytes.fromhex(custom_id).decode(),
        offset=start,
        length=length,
        model=bytes.fromhex(model).decode(),
        place=place,
    )
    return Claim(batch=batch, line=line, tries=tries, worker=worker)
