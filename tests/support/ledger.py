"""What stopped servers wrote down, and ledgers that are written without one."""

from pathlib import Path
from typing import Any

from router.entry import LedgerEntry
from router.ledger.drain import drain_once
from router.ledger.kinds import ATTEMPTS, Kind
from router.ledger.spool import Spool
from router.ledger.store import Ledger, reading
from router.records import Settlement, UserOutcome


def rows(data: Path) -> list[dict[str, Any]]:
    """Every row of the ledger in `data`, in the order the attempts were made."""
    with reading(Ledger(data)) as connection:
        cursor = connection.execute("SELECT * FROM ledger ORDER BY time, request_id, attempt")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def write(ledger: Ledger, *records: LedgerEntry | UserOutcome | Settlement, kind: Kind = ATTEMPTS) -> None:
    """Write records as a worker does, and drain them."""
    spool = Spool(ledger.spool, "w", kind)
    spool.write(records)
    spool.close()
    drain_once(ledger)
