"""Rows of the ledger for tests."""

from dataclasses import replace
from datetime import UTC, datetime

from router.entry import LedgerEntry
from router.ledger.store import Ledger, reading
from router.types import Grade, Purpose, Status

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

ONE = LedgerEntry(
    time=NOW, request_id="r1", attempt=1, purpose=Purpose.ANSWER, final=True, status=Status.ACCEPTED,
    error=None, key="alice", team="research", user=None, tags=(), session=None, run=None, dialect="chat",
    stream=False, policy="default", config="c0ffee", asked="auto", model="small", upstream="local",
    provider="ollama", served_model="small", substituted=False, reason="cheapest", release="held",
    finish_reason="stop", input_tokens=100, cached_tokens=None, cache_write_tokens=None, output_tokens=10,
    reasoning_tokens=None, usage_grade=Grade.REPORTED, cost=5_000_000, cost_bound=5_000_000,
    cost_grade=Grade.COMPUTED, cost_reported=None, expected_cost=None, baseline_model="big",
    baseline_cost=20_000_000, duration_ms=100.0, first_token_ms=20.0, prompt_tokens=100,
)  # fmt: skip


def entry(**given):
    """One accepted answer of a small model, but for what is given."""
    return replace(ONE, **given)


def entries(count, **given):
    return [entry(request_id=f"r{number}", **given) for number in range(count)]


def ledgers_rows(data):
    """Every row as the entry it was made of, in no order."""
    with reading(Ledger(data)) as connection:
        return rows_of(connection)


def rows_of(connection):
    cursor = connection.execute("SELECT * FROM ledger")
    names = [column[0] for column in cursor.description]
    return [_entry(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def _entry(row):
    times = {name: row[name] and row[name].replace(tzinfo=UTC) for name in ("time", "decided")}
    tuples = {name: tuple(row[name]) for name in ("tags", "vector", "needs")}
    return LedgerEntry(**{**row, **times, **tuples})
