"""Which attempts of given requests are booked already, for whoever finds work that another left behind.

Rows go one way, from the spool into the ledger, and a segment is unlinked only once its rows are in.
So whoever looks into the spool first, and then into the ledger, misses none.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from router.ledger import segments
from router.ledger.kinds import ATTEMPTS
from router.ledger.store import Ledger, reading
from router.types import Picodollars


class Row(NamedTuple):
    """What an attempt cost, `None` if nobody knows, and whether it was the last of its request."""

    cost: Picodollars | None
    final: bool


def booked_in(data: Path, request_ids: Collection[str]) -> Mapping[str, Sequence[Row]]:
    """Return the booked attempts of these requests, in their order; those without any are left out.

    Raises `LedgerBusy` or `LedgerBroken`.
    """
    ledger, wanted = Ledger(data), frozenset(request_ids)
    found: dict[str, dict[int, Row]] = {}
    # A row that is in both, its segment being about to be unlinked, is one row.
    for request_id, attempt, cost, final in (*_spooled(ledger.spool, wanted), *_drained(ledger, wanted)):
        found.setdefault(request_id, {})[attempt] = Row(cost, final)
    return {request: [rows[number] for number in sorted(rows)] for request, rows in found.items()}


def _spooled(spool: Path, wanted: Collection[str]) -> Iterator[tuple[str, int, Picodollars | None, bool]]:
    for path in (*segments.still_open(spool), *segments.sealed(spool, ATTEMPTS)):
        for line in _content(path).splitlines():
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue  # the torn last line of a writer that was killed
            if row.get("request_id") in wanted and "attempt" in row:
                yield row["request_id"], row["attempt"], row["cost"], row["final"]


def _content(path: Path) -> bytes:
    """Read a segment, which may have been sealed, or drained, since it was listed."""
    for name in (path, segments.sealed_path(path)):
        try:
            return name.read_bytes()
        except FileNotFoundError:
            continue
    return b""


def _drained(ledger: Ledger, wanted: Collection[str]) -> list[tuple[str, int, Picodollars | None, bool]]:
    with reading(ledger) as connection:
        return connection.execute(
            "SELECT request_id, attempt, cost, final FROM ledger WHERE list_contains($wanted, request_id)",
            {"wanted": list(wanted)},
        ).fetchall()
