"""One call of a model, what was thought of its answer, and what it cost."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from router.types.decision import Decision
from router.types.reply import Grade, Reply, Usage
from router.types.units import Picodollars


class CostClass(StrEnum):
    """What a self-check needs beside the answer."""

    FREE = "free"  # nothing
    LOGPROBS = "logprobs"  # the log-probabilities of the answer's tokens
    PAID = "paid"  # calls of a model, or work outside the process


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one self-check thought of a reply.

    `score` is in [0, 1], more is better, where the check has one.
    `duration_ms` and `cost` (of the models it asked; `None`: unpriced) are noted by who ran the check.
    """

    check: str
    passed: bool
    reason: str = ""
    score: float | None = None
    duration_ms: float | None = None
    cost: Picodollars | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What an attempt cost.

    `amount` is booked (`None`: unpriced), `bound` is the most it can have been.
    `reported` is what the provider said, `computed` what its prices make of the usage: one is booked.
    `machine_ms` is how long one's own machine worked for it, were it alone.
    """

    amount: Picodollars | None
    bound: Picodollars | None
    grade: Grade
    reported: Picodollars | None = None
    computed: Picodollars | None = None
    machine_ms: float | None = None


class Purpose(StrEnum):
    """What an upstream call was for: to answer the caller, to check an answer, to audit an accepted one."""

    ANSWER = "answer"
    CHECK = "check"
    AUDIT = "audit"


class Status(StrEnum):
    """How an attempt ended."""

    ACCEPTED = "accepted"  # its checks passed, or it was committed to the caller: this is the answer
    REJECTED = "rejected"  # a check failed before the caller saw anything
    FAILED = "failed"  # the upstream failed
    CANCELLED = "cancelled"  # the caller went away, or the server is stopping
    LOST = "lost"  # the process died while it ran; written down by whoever found it


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One upstream call and how it went. Times are in milliseconds.

    `overturned` is true if its answer was rejected although the one accepted in the end says the same.
    """

    number: int
    purpose: Purpose = Purpose.ANSWER
    decision: Decision
    status: Status
    started: datetime
    duration_ms: float
    first_token_ms: float | None = None
    reply: Reply | None = None
    error: Exception | None = None
    verdicts: tuple[Verdict, ...] = ()
    usage: Usage
    charge: Charge
    substituted: bool = False
    committed: bool = False
    served_id: str | None = None
    overturned: bool | None = None

    @property
    def accepted(self) -> bool:
        """Whether this attempt is the answer."""
        return self.status is Status.ACCEPTED
