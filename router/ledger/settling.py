"""A provider's own records against the ledger: which call each is, and what the difference comes to.

A record is matched by the provider's name for the answer, which the ledger keeps (`served_id`).
It becomes a `Settlement` once: the same record, saying the same of the same call, is left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from duckdb import DuckDBPyConnection

from router.records import Settlement
from router.types import Picodollars

LATEST = """
SELECT record_id, amount, request_id, attempt FROM settlements WHERE provider = $provider
QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY time DESC) = 1
"""

CALLS = """
SELECT served_id, request_id, attempt, model, cost, cost_bound, cost_grade FROM ledger
WHERE list_contains($ids, served_id)
QUALIFY row_number() OVER (PARTITION BY served_id ORDER BY time DESC) = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """One record of a provider, as it was read."""

    record_id: str
    amount: Picodollars
    at: datetime | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A record and the ledger's row for it."""

    settlement: Settlement
    model: str
    booked: Picodollars | None
    bound: Picodollars | None

    @property
    def beyond(self) -> bool:
        """Whether the bill is more than the ledger said it could be."""
        return self.bound is not None and self.settlement.amount > self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What came of it; `fresh` are the settlements that were not in the ledger yet."""

    matched: tuple[Match, ...]
    unmatched: tuple[Settlement, ...]
    fresh: tuple[Settlement, ...]

    @property
    def billed(self) -> Picodollars:
        return sum(match.settlement.amount for match in self.matched)

    @property
    def booked(self) -> Picodollars:
        """What the ledger has of the matched calls; one that is unpriced counts nothing."""
        return sum(match.booked or 0 for match in self.matched)

    @property
    def drift(self) -> Picodollars:
        """How much more was billed than booked, of the matched calls."""
        return self.billed - self.booked


def reconcile(
    connection: DuckDBPyConnection, provider: str, records: Iterable[Billed], now: datetime
) -> Reconciled:
    """Match records with the ledger; nothing is written."""
    by_id = {record.record_id: record for record in records}
    rows = connection.execute(CALLS, {"ids": list(by_id)}).fetchall()
    calls = {served_id: row for served_id, *row in rows}
    known = {name: tuple(rest) for name, *rest in _settled(connection, provider)}
    matched, unmatched = [], []
    for record in by_id.values():
        settlement = _settlement(record, provider, now)
        if record.record_id not in calls:
            unmatched.append(settlement)
            continue
        request_id, attempt, model, booked, bound, _ = calls[record.record_id]
        settlement = replace(settlement, request_id=request_id, attempt=attempt)
        matched.append(Match(settlement=settlement, model=model, booked=booked, bound=bound))
    every = [*(match.settlement for match in matched), *unmatched]
    fresh = [one for one in every if known.get(one.record_id) != (one.amount, one.request_id, one.attempt)]
    return Reconciled(matched=tuple(matched), unmatched=tuple(unmatched), fresh=tuple(fresh))


def _settled(connection: DuckDBPyConnection, provider: str) -> Sequence[tuple[object, ...]]:
    return connection.execute(LATEST, {"provider": provider}).fetchall()


def _settlement(record: Billed, provider: str, now: datetime) -> Settlement:
    return Settlement(
        time=now,
        provider=provider,
        record_id=record.record_id,
        amount=record.amount,
        billed_at=record.at,
        model=record.model,
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
    )
