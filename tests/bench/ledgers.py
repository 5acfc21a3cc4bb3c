"""A ledger of any size, made by SQL in seconds: plausible traffic, with nothing of anybody's in it."""

import time
from pathlib import Path

from router.ledger import rollups
from router.ledger.store import Ledger, engine, writing

ROWS = Path(__file__).with_name("ledger.sql")


def make(data: Path, rows: int, *, days: float = 90) -> int:
    """Write a ledger of about `rows` rows that end on 2026-11-24 at noon, and return how many there are."""
    data.mkdir(parents=True, exist_ok=True)
    with engine() as connection, writing(Ledger(data), using=connection):
        connection.begin()
        connection.execute(ROWS.read_text(), {"requests": round(rows / 1.16), "seconds": days * 86_400})
        (count,) = connection.execute("SELECT count(*) FROM ledger").fetchone() or (0,)
        connection.commit()
    return int(count)


def add_up(data: Path) -> float:
    """Add up its rows as a drainer does that finds such a ledger; return the most seconds readers wait."""
    longest, rows = 0.0, -1
    while rows:
        began = time.perf_counter()
        with writing(Ledger(data)) as connection:
            rows = rollups.keep_up(connection)
        longest = max(longest, time.perf_counter() - began)
    return longest
