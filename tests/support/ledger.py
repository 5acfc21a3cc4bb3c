"""What a stopped server wrote down."""

from pathlib import Path
from typing import Any

from router.ledger.store import Ledger, reading


def rows(data: Path) -> list[dict[str, Any]]:
    """Every row of the ledger in `data`, in the order the attempts were made."""
    with reading(Ledger(data)) as connection:
        cursor = connection.execute("SELECT * FROM ledger ORDER BY time, request_id, attempt")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
