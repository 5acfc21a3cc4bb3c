"""The kinds of record the spool takes, and where each goes.

A kind has segments of its own: an older Farthing leaves those it does not know alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from router.entry import LedgerEntry
from router.records import Record, Settlement, UserOutcome


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: the dataclass of its records, their table, and the mark in the names of its segments.

    The mark ends in the version of the lines; it changes when the meaning of a line does.
    """

    record: type[Record]
    table: str
    mark: str

    @property
    def open(self) -> str:
        """How the name of a segment ends that is being written."""
        return f".{self.mark}.open"

    @property
    def sealed(self) -> str:
        """How it ends once the drainer may take it."""
        return f".{self.mark}.jsonl"


ATTEMPTS = Kind(LedgerEntry, "ledger", "v1")
OUTCOMES = Kind(UserOutcome, "outcomes", "outcomes-v1")
SETTLEMENTS = Kind(Settlement, "settlements", "settlements-v1")

KINDS: Mapping[str, Kind] = MappingProxyType({kind.table: kind for kind in (ATTEMPTS, OUTCOMES, SETTLEMENTS)})
"""By table, in the order they are drained."""
