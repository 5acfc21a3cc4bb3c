"""What else is written down beside attempts: what users made of an answer, and what providers billed.

Each is a frozen row, as `LedgerEntry` is (`router/entry.py`), with a table of its own in the ledger
(`router/ledger/kinds.py`). No field holds text of a prompt or an answer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from router.entry import LedgerEntry
from router.types import Picodollars


@dataclass(frozen=True, kw_only=True)
class UserOutcome:
    """What came of an answer, told after the fact: by its reader, a test suite, a judge.

    `verdict` is "pass" or "fail", `score` in [0, 1]; either may be unknown.
    `source` says what told it, `key` the name of the key it was told with.
    """

    time: datetime
    request_id: str
    source: str
    verdict: str | None = None
    score: float | None = None
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What a provider's own records say one call cost.

    `record_id` is the provider's id of its record: the same record read twice is one settlement.
    `request_id` and `attempt` are the row it was matched with, `None` where there is none.
    `time` is when it was read, `billed_at` when the provider says it was.
    """

    time: datetime
    provider: str
    record_id: str
    amount: Picodollars
    request_id: str | None = None
    attempt: int | None = None
    billed_at: datetime | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


Record: TypeAlias = LedgerEntry | UserOutcome | Settlement
"""Whatever the spool takes."""
