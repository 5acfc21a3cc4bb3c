"""The queue: lines that wait, are claimed, and end."""

from collections.abc import Iterable, Iterator

from batch.jobs import Claim, Line, Problem, Result
from batch.sqlite.database import SQL, Database, turn_of
from batch.sqlite.rows import claim_of, held, line_of, problem_text, result_of


class Lines(Database):
    """See `batch.seams.Store`."""

    def claim(self, worker: str, limit: int, *, until: float) -> list[Claim]:
        claims: list[Claim] = []
        with self._writing() as db:
            for turn, batch_id in db.execute(SQL["in_progress"]).fetchall():
                if len(claims) >= limit:
                    break
                rows = db.execute(
                    SQL["claim"],
                    {"turn": turn, "worker": worker, "until": until, "limit": limit - len(claims)},
                ).fetchall()
                # What an update returns is in no order.
                claims += sorted(
                    (claim_of(batch_id, row) for row in rows), key=lambda claim: claim.line.place
                )
        return claims

    def sent(self, claim: Claim, model: str, /) -> None:
        with self._writing() as db:
            db.execute(SQL["sent"], held(claim) | {"model": model})

    def complete(self, claim: Claim, result: Result, /) -> bool:
        with self._writing() as db:
            done = db.execute(
                SQL["complete"],
                held(claim)
                | {
                    "state": result.state,
                    "status": result.status,
                    "request_id": result.request_id,
                    "model": result.model,
                    "attempts": result.attempts,
                    "body": result.body,
                },
            ).rowcount
            if result.cost is not None:
                spent = {"batch": claim.batch, "number": claim.line.number, "cost": result.cost}
                db.execute(SQL["spend"], spent)
            return bool(done)

    def give_back(self, claims: Iterable[Claim], /) -> None:
        with self._writing() as db:
            db.executemany(SQL["give_back"], [held(claim) for claim in claims])

    def renew(self, worker: str, *, until: float) -> None:
        with self._writing() as db:
            db.execute(SQL["renew"], {"worker": worker, "until": until})

    def orphans(self, *, now: float, everyone: bool) -> list[tuple[Claim, str | None]]:
        with self._writing() as db:
            rows = db.execute(SQL["orphans"], {"now": now, "everyone": everyone}).fetchall()
            db.executemany(SQL["release"], [{"turn": row["batch"], "number": row["number"]} for row in rows])
        return [(claim_of(row["batch_id"], row), row["sent"]) for row in rows]

    def drop_waiting(self, batch_id: str, problem: Problem, /) -> int:
        with self._writing() as db:
            gone = {"turn": turn_of(db, batch_id), "problem": problem_text(problem)}
            return db.execute(SQL["drop_waiting"], gone).rowcount

    def results(self, batch_id: str, *, good: bool) -> Iterator[tuple[Line, Result | Problem]]:
        with self._open() as db:
            turn = turn_of(db, batch_id)
            for row in db.execute(SQL["good_results" if good else "other_results"], {"turn": turn}):
                yield line_of(row), result_of(row)
