"""How fast one's own machines are, from the ledger's own timings: reading and writing told apart.

In each stretch of time a machine works for so many seconds (however many callers it serves at once), reads
so many tokens that no cache had, and writes so many. Over many stretches the seconds a token takes follow by
least squares that are never negative. Where traffic is too much alike to tell both apart, the stated
proportion is kept.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from router import files
from router.ledger.store import Ledger, reading

STRETCH = 20.0
"""Seconds."""

WHOLE = 0.98
"""Share of a call's time after which its first token is its last."""

LEAST_STRETCHES = 30
LEAST_CALLS = 200
MOST_CALLS = 50_000
LOOKBACK = timedelta(days=2)

CALLS = """
SELECT upstream, model, epoch(time), duration_ms / 1000,
    coalesce(first_token_ms, duration_ms) / 1000,
    greatest(coalesce(input_tokens, 0) - coalesce(cached_tokens, 0), 0), coalesce(output_tokens, 0),
    machine_prefill, machine_decode
FROM ledger
WHERE machine_hour IS NOT NULL AND time >= $since AND usage_grade IN ('reported', 'computed')
    AND status IN ('accepted', 'rejected') AND duration_ms > 0
ORDER BY time DESC LIMIT $most
"""

Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One model on one machine: tokens a second, and the share of the time the machine works."""

    upstream: str
    model: str
    prefill: float
    decode: float
    utilisation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The calls of one model on one machine; times in seconds."""

    start: Numbers
    end: Numbers
    read_until: Numbers
    written_since: Numbers
    read: Numbers
    written: Numbers
    stated: tuple[float, float]


def refresh(ledger: Ledger, path: Path, now: datetime | None = None) -> tuple[Measured, ...]:
    """Measure anew and replace the file that the workers read; a machine without enough calls is left out."""
    with reading(ledger) as connection:
        found = measure(connection, now or datetime.now(UTC))
    if found:
        rows = [{name: getattr(one, name) for name in Measured.__dataclass_fields__} for one in found]
        files.replace(path, json.dumps(rows).encode())
    return found


def measure(connection: DuckDBPyConnection, now: datetime) -> tuple[Measured, ...]:
    """Measure every own machine that had enough calls."""
    since = (now - LOOKBACK).astimezone(UTC).replace(tzinfo=None)
    rows = connection.execute(CALLS, {"since": since, "most": MOST_CALLS}).fetchall()
    machines: dict[str, dict[str, list[tuple[float, ...]]]] = {}
    for upstream, model, *numbers in rows:
        machines.setdefault(upstream, {}).setdefault(model, []).append(tuple(map(float, numbers)))
    return tuple(
        one
        for upstream, models in machines.items()
        if sum(map(len, models.values())) >= LEAST_CALLS
        for one in _machine(upstream, {model: _calls(each) for model, each in models.items()})
    )


def _calls(rows: Sequence[tuple[float, ...]]) -> Calls:
    table = np.array(rows)
    start, took, first = table[:, 0], table[:, 1], np.minimum(table[:, 2], table[:, 1])
    # A call without a stream tells of one time only: both are shared out over all of it.
    whole = first > WHOLE * took
    return Calls(
        start=start,
        end=start + took,
        read_until=start + np.where(whole, took, first),
        written_since=start + np.where(whole, 0, first),
        read=table[:, 3],
        written=table[:, 4],
        stated=(float(table[0, 5]), float(table[0, 6])),
    )


def _machine(upstream: str, models: dict[str, Calls]) -> list[Measured]:
    start = np.concatenate([calls.start for calls in models.values()])
    end = np.concatenate([calls.end for calls in models.values()])
    edges = np.arange(start.min(), end.max() + STRETCH, STRETCH)
    busy = _busy(start, end, edges)
    columns = [
        _spread(amount, since, until, edges)
        for calls in models.values()
        for amount, since, until in (
            (calls.read, calls.start, calls.read_until),
            (calls.written, calls.written_since, calls.end),
        )
    ]
    work = np.stack(columns, axis=1)
    used = busy > 0
    seconds = _seconds_a_token(work[used], busy[used], models)
    utilisation = float(busy.sum() / (len(busy) * STRETCH))
    return [
        Measured(
            upstream=upstream,
            model=model,
            prefill=float(1 / seconds[2 * place]),
            decode=float(1 / seconds[2 * place + 1]),
            utilisation=min(1.0, utilisation),
        )
        for place, model in enumerate(models)
    ]


def _seconds_a_token(work: Numbers, busy: Numbers, models: dict[str, Calls]) -> Numbers:
    stated = np.array([1 / speed for calls in models.values() for speed in calls.stated])
    if len(busy) >= max(LEAST_STRETCHES, 4 * len(stated)):
        # Scaled, so that the columns are alike in size. Where no unknown comes out negative, these are
        # the least squares that never are; scipy's would cost the drainer 50 MB.
        found, _, rank, _ = np.linalg.lstsq(work * stated, busy, rcond=None)
        if rank == len(stated) and (found > 0).all():
            scaled: Numbers = found * stated
            return scaled
    kept: Numbers = stated * (busy.sum() / (work @ stated).sum())
    return kept


def _busy(start: Numbers, end: Numbers, edges: Numbers) -> Numbers:
    """Seconds in each stretch in which at least one call was under way."""
    order = np.argsort(start)
    start, latest = start[order], np.maximum.accumulate(end[order])
    fresh = np.concatenate([[True], start[1:] > latest[:-1]])
    begins = start[fresh]
    ends = np.concatenate([latest[:-1][fresh[1:]], latest[-1:]])
    return _spread(ends - begins, begins, ends, edges)


def _spread(amount: Numbers, since: Numbers, until: Numbers, edges: Numbers) -> Numbers:
    """Share each amount out, evenly over its time, to the stretches it falls into."""
    length = np.maximum(until - since, 1e-9)
    done = np.zeros(len(edges))
    for place, edge in enumerate(edges):
        done[place] = float((amount * np.clip((edge - since) / length, 0, 1)).sum())
    shares: Numbers = np.diff(done, append=float(amount.sum()))
    return shares
