"""What batch work needs of others: somewhere to keep it, and someone to answer a line."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from batch.jobs import Batch, Claim, File, Line, Problem, Result, State

Answer: TypeAlias = Callable[[Batch, Claim, bytes], Awaitable[Result]]
"""Answers the body of a line; what goes wrong is in the result, never raised."""


class Store(Protocol):
    """Where files' names, batches and lines are kept, durably. Every method may block: call it in a thread.

    A line is recorded once: `complete` of a claim that is no longer held changes nothing and says so.
    """

    def add_file(self, file: File, /) -> None: ...

    def file(self, file_id: str, /) -> File | None: ...

    def files(
        self, owner: str | None, *, purpose: str | None, after: str | None, limit: int
    ) -> list[File]: ...

    def expired_files(self, *, now: int) -> list[File]: ...

    def drop_file(self, file_id: str, /) -> bool: ...

    def add_batch(self, batch: Batch, /) -> None: ...

    def batch(self, batch_id: str, /) -> Batch | None: ...

    def batches(self, owner: str | None, *, after: str | None, limit: int) -> list[Batch]: ...

    def under_way(self) -> list[Batch]:
        """Return every batch that is not over, the oldest first."""
        ...

    def begin(self, batch_id: str, lines: Iterable[Line], *, at: int) -> bool:
        """Put the lines of a validated batch in the queue; lines with a problem have failed already.

        Returns False, having done nothing, if the batch is no longer being validated.
        """
        ...

    def move(
        self,
        batch_id: str,
        before: Iterable[State],
        state: State,
        *,
        at: int,
        problems: Sequence[Problem] = (),
        output: str | None = None,
        errors: str | None = None,
    ) -> bool:
        """Change the state if it is one of `before`; tell whether it was."""
        ...

    def claim(self, worker: str, limit: int, *, until: float) -> list[Claim]:
        """Take waiting lines of batches in progress, the oldest batch first, in the order of their places."""
        ...

    def sent(self, claim: Claim, model: str, /) -> None:
        """Note that `model` is about to be asked, so that a call that was lost can be booked."""
        ...

    def complete(self, claim: Claim, result: Result, /) -> bool: ...

    def give_back(self, claims: Iterable[Claim], /) -> None:
        """Let the lines wait again, unharmed."""
        ...

    def renew(self, worker: str, *, until: float) -> None: ...

    def orphans(self, *, now: float, everyone: bool) -> list[tuple[Claim, str | None]]:
        """Let lines wait again whose claim has lapsed (or all of them), and return them.

        With each comes the model that was being asked, if one was.
        """
        ...

    def drop_waiting(self, batch_id: str, problem: Problem, /) -> int:
        """Give up the lines that nobody has begun; each gets `problem` as its reason."""
        ...

    def retry_failed(self, batch_id: str, *, at: int, deadline: int) -> int:
        """Let the failed and dropped lines of a batch that is over wait again; return how many."""
        ...

    def results(self, batch_id: str, *, good: bool) -> Iterator[tuple[Line, Result | Problem]]:
        """Yield what became of the lines, in the order of the file."""
        ...
