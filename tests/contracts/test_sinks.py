"""What every sink keeps to: it takes any rows there can be, and it does not wait."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboards.metrics import Metrics
from policies.meters import Health
from router.entry import LedgerEntry
from router.ledger.spool import Spool
from router.seams import Sink
from router.types import Grade, Purpose, Status
from tests.support.world import FakeClock

SINKS: dict[str, Callable[[Path], Sink]] = {
    "health": lambda _folder: Health(FakeClock()),
    "metrics": lambda _folder: Metrics(),
    "spool": lambda folder: Spool(folder, "test"),
}

LEAST = LedgerEntry(
    time=datetime(2026, 11, 23, tzinfo=UTC), request_id="r1", attempt=1, purpose=Purpose.ANSWER,
    final=True, status=Status.FAILED, error=None, key=None, team=None, user=None, tags=(), session=None,
    run=None, dialect="chat", stream=False, policy="default", config="c", asked="auto", model="m",
    upstream="u", provider=None, served_model=None, substituted=False, reason="", release="held",
    finish_reason=None, input_tokens=None, cached_tokens=None, cache_write_tokens=None, output_tokens=None,
    reasoning_tokens=None, usage_grade=Grade.NONE, cost=None, cost_bound=None, cost_grade=Grade.UNPRICED,
    cost_reported=None, expected_cost=None, baseline_model=None, baseline_cost=None, duration_ms=0.0,
    first_token_ms=None, prompt_tokens=0,
)  # fmt: skip
"""A row of which nothing is known that can be unknown."""

ODD = {
    "least": LEAST,
    **{f"{status}": replace(LEAST, status=status) for status in Status},
    **{grade: replace(LEAST, cost_grade=grade, usage_grade=grade, cost=1, cost_bound=2) for grade in Grade},
    "dear": replace(LEAST, cost=2**62, cost_bound=2**62, input_tokens=2**40, output_tokens=2**40),
    "half a surrogate": replace(LEAST, user="\ud83d", tags=("\x00", "\u202e")),
    "many numbers": replace(LEAST, vector=(0.1,) * 1000, predictions={f"m{i}": 0.5 for i in range(100)}),
    "an error nobody knows": replace(LEAST, error="Zork"),
}

each_sink = pytest.mark.parametrize("make", SINKS.values(), ids=SINKS.keys())


@each_sink
@pytest.mark.parametrize("row", ODD.values(), ids=ODD.keys())
def test_it_takes_any_row(make: Callable[[Path], Sink], row: LedgerEntry, tmp_path: Path):
    sink = make(tmp_path)
    for status in Status:
        assert sink.write((replace(row, status=status),)) is None


@each_sink
def test_it_takes_rows_as_they_come_or_none(make: Callable[[Path], Sink], tmp_path: Path):
    def rows() -> Iterator[LedgerEntry]:
        yield LEAST
        yield replace(LEAST, attempt=2)

    sink = make(tmp_path)
    sink.write(())
    sink.write(rows())


@each_sink
def test_it_does_not_keep_the_event_loop_waiting(make: Callable[[Path], Sink], tmp_path: Path):
    sink = make(tmp_path)
    sink.write((LEAST,))
    began = time.perf_counter()
    for _ in range(100):
        sink.write((LEAST,))
    assert (time.perf_counter() - began) / 100 < 0.005
