"""How fast earlier batches went, from the ledger: what upstreams did in the seconds in which they worked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from duckdb import DuckDBPyConnection

LOOKBACK = timedelta(days=30)
LATEST = 10
"""Batches that are looked at."""

LEAST_CALLS, LEAST_SECONDS = 20, 2.0
"""Less tells nothing of a speed."""

RUNS = """
WITH calls AS (
    SELECT upstream, batch, epoch(time) AS began, epoch(time) + duration_ms / 1000 AS ended, output_tokens
    FROM ledger
    WHERE batch IS NOT NULL AND time >= $since AND status IN ('accepted', 'rejected')
        AND duration_ms > 0 AND output_tokens IS NOT NULL AND NOT simulated
),
in_turn AS (
    SELECT *, max(ended) OVER (
        PARTITION BY upstream, batch ORDER BY began ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS busy_until
    FROM calls
)
SELECT
    upstream,
    batch,
    count(*) AS calls,
    sum(output_tokens)::BIGINT AS written,
    sum(greatest(0, ended - greatest(began, coalesce(busy_until, began)))) AS seconds,
    max(ended) AS last
FROM in_turn
GROUP BY upstream, batch
HAVING count(*) >= $calls
QUALIFY row_number() OVER (PARTITION BY upstream ORDER BY max(ended) DESC) <= $latest
ORDER BY upstream, last DESC
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What an upstream did of a batch: calls, tokens written, and seconds in which any call was under way."""

    upstream: str
    calls: int
    written: int
    seconds: float


def runs(connection: DuckDBPyConnection, now: datetime) -> tuple[Run, ...]:
    """Read the latest batches of each upstream; those too short to tell a speed are left out.

    Simulated models are as fast as they were told to be, and say nothing.
    """
    since = (now - LOOKBACK).replace(tzinfo=None)
    given = {"since": since, "calls": LEAST_CALLS, "latest": LATEST}
    rows = connection.execute(RUNS, given).fetchall()
    return tuple(
        Run(upstream=upstream, calls=calls, written=written, seconds=seconds)
        for upstream, _, calls, written, seconds, _ in rows
        if seconds >= LEAST_SECONDS
    )
