"""The words of batch work: files, batches, their lines, and what became of each."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum, StrEnum, auto
from types import MappingProxyType

from router.dialects import DIALECTS
from router.types import Lane, Picodollars, Principal

MOST_LINES = 50_000
LARGEST_FILE = 200 << 20
"""Bytes; both limits are those of OpenAI's Batch API."""

ENDPOINTS: Mapping[str, str] = MappingProxyType(
    {f"/v1{dialect.path}": name for name, dialect in DIALECTS.items()}
)
"""What a batch may call: a line's `url`, and the dialect of its body."""

DAY = 86_400


class State(StrEnum):
    """Where a batch stands, in OpenAI's words."""

    VALIDATING = "validating"  # -> in_progress, failed, cancelled
    IN_PROGRESS = "in_progress"  # -> finalizing, cancelling, expired
    CANCELLING = "cancelling"  # -> cancelled
    FINALIZING = "finalizing"  # -> completed, expired
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self in {State.COMPLETED, State.FAILED, State.EXPIRED, State.CANCELLED}


ENDED = (State.COMPLETED, State.EXPIRED, State.CANCELLED)
"""States from which lines may be tried again; a batch that failed never had any."""

BEGINNINGS = frozenset({"in_progress_at"})
"""What stays true of when a batch that begins anew entered which state."""


class LineState(IntEnum):
    """Where a line stands."""

    WAITING = 0  # -> claimed, dropped
    CLAIMED = 1  # -> done, failed, dropped; -> waiting if whoever claimed it is gone
    DONE = 2
    FAILED = 3  # -> waiting if it is tried again
    DROPPED = 4  # the batch was cancelled, expired or had spent its money before this line's turn


class Room(Enum):
    """Whether what a call can cost fits into what its batch may cost."""

    HELD = auto()  # it does, and is held back
    FULL = auto()  # not while other calls are under way, which may cost less than is held for them
    SPENT = auto()  # it never will


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An uploaded or written file, whose bytes lie beside the store under its id.

    Times are seconds since 1970.
    """

    id: str
    purpose: str
    name: str
    size: int
    created: int
    owner: str | None = None
    expires: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many lines there are, and how many ended how.

    `spent` is what all attempts cost together; in a batch with a cap, a call that was lost, or broke off,
    counts as the most it can have cost.
    """

    total: int = 0
    completed: int = 0
    failed: int = 0
    dropped: int = 0
    spent: Picodollars = 0

    @property
    def left(self) -> int:
        return self.total - self.completed - self.failed - self.dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a file, or with one of its lines (counted from 1)."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch. `window` is in seconds; `stamps` holds when it entered which state, as `in_progress_at`.

    `output_window` is how many seconds its written files are kept, `None`: until they are deleted.
    `max_cost` bounds what all lines may cost together; what is done by then is kept.
    `until` is when it ends if its window was begun anew, because lines are tried again.
    `labels` are what was told of its lines when they came, and is not said in them (see `Request`).
    """

    id: str
    principal: Principal
    endpoint: str
    input_file: str
    window: int
    created: int
    output_window: int | None = None
    state: State = State.VALIDATING
    metadata: Mapping[str, str] = field(default_factory=dict)
    max_cost: Picodollars | None = None
    stamps: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    output_file: str | None = None
    error_file: str | None = None
    counts: Counts = Counts()
    lane: Lane = Lane.BATCH
    labels: Mapping[str, str] = field(default_factory=dict)
    until: int | None = None

    @property
    def answer_in_file(self) -> bool:
        """Whether the answer stands in its file alone, and goes with it: so it is of single requests."""
        return self.lane is Lane.BACKGROUND and self.state.over

    @property
    def deadline(self) -> int:
        return self.created + self.window if self.until is None else self.until

    def moved(self, move: "Move") -> "Batch":
        """Give it as it stands after a move."""
        return replace(
            self,
            state=move.state,
            stamps={**self.stamps, f"{move.state}_at": move.at},
            problems=tuple(move.problems) or self.problems,
            output_file=move.output.id if move.output else self.output_file,
            error_file=move.errors.id if move.errors else self.error_file,
        )

    def again(self, *, at: int, deadline: int) -> "Batch":
        """Give it as it stands when some of its lines are tried again."""
        moved = self.moved(Move(before=ENDED, state=State.IN_PROGRESS, at=at))
        stamps = {name: when for name, when in moved.stamps.items() if name in BEGINNINGS}
        return replace(moved, until=deadline, stamps=stamps, output_file=None, error_file=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A change of a batch's state at a time, if it is in one of `before`.

    The files it names become known with it, in one step: a file that nobody knows was never there.
    """

    before: Collection[State]
    state: State
    at: int
    problems: Sequence[Problem] = ()
    output: File | None = None
    errors: File | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an input file: where its bytes lie, and `place`, its turn among the lines of its batch.

    A line with a `problem` is never tried.
    """

    number: int
    custom_id: str | None
    offset: int
    length: int
    model: str = ""
    place: int = 0
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A line that somebody works on, the `tries`-th time that anybody does."""

    batch: str
    line: Line
    tries: int
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a line: the HTTP status and body it would have got by itself.

    `model` answered; `cost` is of this try, `None` if no price is known.
    `again` says after how many seconds another try may do better, `None`: never.
    """

    status: int
    body: bytes
    request_id: str
    model: str | None = None
    attempts: int = 0
    cost: Picodollars | None = None
    again: float | None = None

    @property
    def state(self) -> LineState:
        return LineState.DONE if self.status < 400 else LineState.FAILED


def new_id(kind: str) -> str:
    """Make an id such as `batch_…` or `file-…`, 128 random bits."""
    return f"{kind}{secrets.token_hex(16)}"
