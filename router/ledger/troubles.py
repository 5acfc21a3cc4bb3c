"""What may be wrong with the ledger's file, and how DuckDB says it."""

import duckdb

from router.errors import FarthingError

HELD = ("Could not set lock", "Unique file handle conflict", "different configuration")
"""What DuckDB says if another process has the file, or this one has it otherwise."""


class LedgerBusy(FarthingError):
    """The ledger is held by another process."""


DAMAGE = (
    "corrupt",
    "not a valid duckdb database",
    "could not read enough bytes",
    "replaying wal",
    "deserializ",
    "no more data remaining in metadatareader",
    "internal error",
)
"""What DuckDB says, in any case, of a file whose bytes are not those it wrote."""


class LedgerBroken(FarthingError):
    """The ledger cannot be opened."""


class LedgerDamaged(LedgerBroken):
    """The ledger's file is not what was written: it has to be made anew (`healing.py`)."""


def damage_in(error: BaseException | None) -> str | None:
    """Give DuckDB's words if an error, or what it was raised from, says that the file is damaged."""
    if isinstance(error, LedgerDamaged):
        return str(error)
    while error is not None and not isinstance(error, duckdb.Error):
        error = error.__cause__
    reason = str(error).partition("\n")[0]
    return reason if any(text in reason.lower() for text in DAMAGE) else None
