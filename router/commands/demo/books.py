"""What the ledger says about one run of the demo."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from router.commands.demo.arms import ROUTED
from router.ledger.store import Ledger, reading
from router.types import Picodollars

PATIENCE = 20.0
"""Seconds the drainer has to bring everything into the ledger."""

PAUSE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one model did in the routed arm: answers given, calls made, and what they cost."""

    model: str
    answers: int
    calls: int
    cost: Picodollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """One run: `costs` by request id, and what was done in the routed arm alone."""

    rows: int
    costs: Mapping[str, Picodollars]
    work: tuple[Work, ...]
    escalations: int
    failovers: int
    fired: Mapping[str, int]


async def books_of(data: Path, run: str, *, requests: int, clock: Callable[[], float]) -> Books:
    """Read a run once all its requests are in, or what is in when patience is over."""
    end = clock() + PATIENCE
    while True:
        books = await asyncio.to_thread(_read, data, run)
        if len(books.costs) >= requests or clock() > end:
            return books
        await asyncio.sleep(PAUSE)


def _read(data: Path, run: str) -> Books:
    with reading(Ledger(data)) as connection:
        costs = connection.execute(
            "SELECT request_id, coalesce(sum(cost), 0), count(*) FROM ledger WHERE run = ?"
            " GROUP BY request_id HAVING bool_or(final)",
            [run],
        ).fetchall()
        work = connection.execute(
            "SELECT model, count(*) FILTER (status = 'accepted'), count(*), coalesce(sum(cost), 0)"
            " FROM ledger WHERE run = ? AND asked = ? GROUP BY model ORDER BY sum(cost) / count(*), model",
            [run, ROUTED],
        ).fetchall()
        steps = connection.execute(
            "SELECT count(*) FILTER (starts_with(reason, 'escalated')),"
            " count(*) FILTER (starts_with(reason, 'failover')) FROM ledger WHERE run = ? AND asked = ?",
            [run, ROUTED],
        ).fetchone()
        fired = connection.execute(
            "SELECT e.key || ': ' || e.value, count(*) FROM"
            " (SELECT unnest(map_entries(verdicts)) AS e FROM ledger WHERE run = ? AND asked = ?)"
            " WHERE e.value <> 'pass' GROUP BY 1 ORDER BY 2 DESC, 1",
            [run, ROUTED],
        ).fetchall()
    assert steps is not None, "an aggregate has a row"
    return Books(
        rows=sum(rows for *_, rows in costs),
        costs={request: int(cost) for request, cost, _ in costs},
        work=tuple(Work(model=m, answers=a, calls=c, cost=int(cost)) for m, a, c, cost in work),
        escalations=steps[0],
        failovers=steps[1],
        fired=dict(fired),
    )
