"""What batch work needs of others: somewhere to keep it, and someone to answer a line."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeAlias

from batch.jobs import Batch, Claim, File, Line, Move, Problem, Result, Room
from router.types import Picodollars

Answer: TypeAlias = Callable[[Batch, Claim, bytes], Awaitable[Result]]
"""Answers the body of a line; what goes wrong is in the result, and nothing raised but `StoreAway`."""


class Shelf(Protocol):
    """Where the bytes of files are kept. All but `receive` may block: call them in a thread.

    A file is there once it is whole, or not at all.
    """

    def path(self, file_id: str, /) -> Path:
        """Say where on this machine the bytes lie; raise `FileNotFoundError` if nobody has them."""
        ...

    async def receive(self, file_id: str, chunks: AsyncIterator[bytes], /) -> int:
        """Keep what arrives and return its size; raise `TooLarge` beyond the limit, keeping nothing."""
        ...

    def write(self, file_id: str, lines: Iterable[bytes], /) -> int:
        """Write lines, and return the size of the file."""
        ...

    def read(self, file_id: str, offset: int, length: int, /) -> bytes: ...

    def drop(self, file_id: str, /) -> None: ...

    def tidy(self, now: float, known: Callable[[str], bool], /) -> None:
        """Drop what lies here and nobody needs; `now` is in seconds since 1970.

        `known` tells whether the store has a file of that id.
        """
        ...


class Store(Protocol):
    """Where files' names, batches and lines are kept, durably. Every method may block: call it in a thread.

    Several processes may work on one store at once, on several machines if it says so.
    A line is recorded once: `complete` of a claim that is no longer held changes nothing and says so.
    It raises `StoreAway` while it cannot be reached, or its disk is full; what was asked is then not done.
    Silence is measured by the store's own clock, so that machines need not agree on the time.
    """

    def add_file(self, file: File, /) -> None: ...

    def file(self, file_id: str, /) -> File | None: ...

    def files(
        self, owner: str | None, *, purpose: str | None, after: str | None, limit: int
    ) -> list[File]: ...

    def expired_files(self, *, now: int) -> list[File]: ...

    def drop_file(self, file_id: str, /) -> bool:
        """Forget a file, and what a batch has written to it; tell whether it was there."""
        ...

    def purge(self) -> None:
        """Leave nothing of what was dropped on the disk, as far as that is the store's to do."""
        ...

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

    def move(self, batch_id: str, move: Move, /) -> bool:
        """Change the state, if it may be changed so; tell whether it was."""
        ...

    def listen(self, wake: Callable[[], object], /) -> AbstractContextManager[None]:
        """Call `wake`, from any thread, when there is something to look at; a store may not be able to."""
        ...

    def alone(self, batch_id: str, /) -> AbstractContextManager[bool]:
        """Keep others from moving a batch on; yields `False` at once if somebody else does."""
        ...

    def claim(self, worker: str, limit: int, *, but: Collection[str] = ()) -> list[Claim]:
        """Take waiting lines of batches in progress, the oldest batch first, in the order of their places.

        Single requests (of the background lane) go before those of files.
        A line that was given back for a time is not taken before it is over.
        Lines that ask for one of `but` are passed over.
        """
        ...

    def sent(self, notes: Sequence[tuple[Claim, str]], /) -> Sequence[None]:
        """Note which models are about to be asked, so that calls that were lost can be booked.

        In one transaction, all of them or none.
        """
        ...

    def reserve(self, claim: Claim, amount: Picodollars, *, limit: Picodollars) -> Room:
        """Hold `amount` back for a call, within what all lines of the batch may cost together.

        Nothing is held for a claim that is held no longer: its room is `SPENT`.
        """
        ...

    def settle(self, claim: Claim, amount: Picodollars, cost: Picodollars) -> None:
        """Give back what was held for a call that has ended, and count what it cost until `complete` does."""
        ...

    def complete(self, ended: Sequence[tuple[Claim, Result]], /) -> Sequence[bool]:
        """Record what became of lines, and tell of each whether its claim was still held.

        In one transaction, all of them or none: a commit that waits for a disk is shared by many.
        What a line has cost counts also if its claim was no longer held.
        """
        ...

    def give_back(
        self, claim: Claim, /, *, cost: Picodollars | None = None, lost: bool = False, wait: float = 0.0
    ) -> None:
        """Let the line wait again, for `wait` seconds at least; `cost` is what this try has cost.

        If calls of it were `lost`, what is held for them is spent as well: nobody knows what they cost.
        The next claim has a number of its own, so that no two tries share one.
        """
        ...

    def renew(self, claims: Iterable[Claim], /) -> None:
        """Say that whoever holds these lives."""
        ...

    def resign(self, worker: str, /) -> None:
        """Say that the worker is gone: what it holds can be taken over at once, by anybody."""
        ...

    def take_over(
        self, heir: str, /, *, worker: str | None = None, silent: float = 0
    ) -> list[tuple[Claim, Sequence[str]]]:
        """Take what `worker` holds, or anybody; the tries stay the same.

        That stays which was claimed or renewed within the last `silent` seconds.
        With each claim come the models that were asked in this try, in their order.
        """
        ...

    def drop_waiting(self, batch_id: str, problem: Problem, /) -> int:
        """Give up the lines that nobody has begun; each gets `problem` as its reason."""
        ...

    def retry_failed(self, batch_id: str, *, at: int, deadline: int) -> int:
        """Let the failed and dropped lines of a batch that is over wait again; return how many."""
        ...

    def results(self, batch_id: str, *, good: bool) -> Iterator[tuple[Line, Result | Problem]]:
        """Yield what became of the lines, in the order of the file; what was forgotten is left out."""
        ...
