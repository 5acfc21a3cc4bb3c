"""Works through batches: reads their files, answers their lines, writes what became of them.

Several may work on one store: lines are claimed, and a batch is moved on by one of them alone.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from batch.answering import request_id_of
from batch.intake import Unreadable, read_lines
from batch.jobs import Batch, Claim, File, Problem, Result, State, new_id
from batch.seams import Answer, Store
from batch.shelf import Shelf
from batch.wire import output_line
from router.dialects import DIALECTS
from router.errors import FarthingError
from router.seams import Clock

LOOK_EVERY = 0.2
"""Seconds between two looks at what has come, ended or been cancelled."""

CANCELLED = Problem(code="batch_cancelled", message="The batch was cancelled before this line's turn.")
EXPIRED = Problem(code="batch_expired", message="The batch's time was over before this line's turn.")
SPENT = Problem(
    code="batch_cost_limit", message="The batch had spent what it may cost before this line's turn."
)

log = logging.getLogger("farthing.batch")


class Runner:
    """`room` says how many more lines may be begun now; `claims` is kept filled with those under way."""

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        answer: Answer,
        *,
        clock: Clock,
        worker: str,
        room: Callable[[int], int],
        claims: dict[str, Claim],
    ) -> None:
        self._store, self._shelf, self._answer = store, shelf, answer
        self._clock, self._worker, self._room = clock, worker, room
        self._running: set[asyncio.Task[None]] = set()
        self._claims = claims
        self._batches: dict[str, Batch] = {}
        self._news = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; lines under way are then given back, to be taken up later."""
        async with asyncio.TaskGroup() as group:
            try:
                while not stop.is_set():
                    await self._look(group)
                    await self._wait(stop)
            finally:
                for task in self._running:
                    task.cancel()

    async def _wait(self, stop: asyncio.Event) -> None:
        """Sleep until a line ends, it is time to look again, or to stop."""
        self._news.clear()
        waiting = [asyncio.ensure_future(self._news.wait()), asyncio.ensure_future(stop.wait())]
        try:
            await asyncio.wait(waiting, timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in waiting:
                future.cancel()

    async def _look(self, group: asyncio.TaskGroup) -> None:
        batches = await asyncio.to_thread(self._store.under_way)
        self._batches = {batch.id: batch for batch in batches}
        for batch in batches:
            await self._advance(batch)
        room = self._room(len(self._running))
        if room > 0 and any(batch.state is State.IN_PROGRESS for batch in batches):
            claims = await asyncio.to_thread(self._store.claim, self._worker, room)
            for claim in claims:
                self._begin(group, claim)

    def _begin(self, group: asyncio.TaskGroup, claim: Claim) -> None:
        task = group.create_task(self._work(self._batches[claim.batch], claim))
        self._running.add(task)
        self._claims[request_id_of(claim)] = claim
        task.add_done_callback(partial(self._ended, claim))

    def _ended(self, claim: Claim, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        del self._claims[request_id_of(claim)]
        self._news.set()

    async def _work(self, batch: Batch, claim: Claim) -> None:
        try:
            raw = await asyncio.to_thread(
                self._shelf.read, batch.input_file, claim.line.offset, claim.line.length
            )
            result = await self._answer(batch, claim, raw)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(self._store.give_back, [claim]))
            raise
        except Exception:
            # Ours, and not the batch's fault: the line says so, and the others go on.
            log.exception("line %d of %s could not be worked on", claim.line.number, claim.batch)
            result = _broken(claim)
        await asyncio.to_thread(self._store.complete, claim, result)

    async def _advance(self, batch: Batch) -> None:
        """Move a batch on, if it is time."""
        match batch.state:
            case State.VALIDATING:
                await self._alone(batch, self._validate)
            case State.CANCELLING:
                await self._stop(batch, CANCELLED, State.CANCELLED)
            case State.IN_PROGRESS if batch.deadline <= self._now():
                await self._stop(batch, EXPIRED, State.EXPIRED)
            case State.IN_PROGRESS if batch.max_cost is not None and batch.counts.spent >= batch.max_cost:
                await self._stop(batch, SPENT, State.COMPLETED)
            case State.IN_PROGRESS if not batch.counts.left:
                await self._alone(batch, partial(self._finish, state=State.COMPLETED))
            case State.FINALIZING:
                await self._alone(batch, partial(self._finish, state=State.COMPLETED))
            case _:
                pass

    async def _alone(self, batch: Batch, step: Callable[[Batch], None]) -> None:
        """Take a step in a thread, unless another process takes it or has taken it."""

        def once() -> None:
            with self._store.alone(batch.id) as alone:
                fresh = self._store.batch(batch.id) if alone else None
                if fresh is not None and fresh.state is batch.state:
                    step(fresh)

        await asyncio.to_thread(once)

    def _validate(self, batch: Batch) -> None:
        try:
            lines = read_lines(self._shelf.path(batch.input_file), batch.endpoint)
        except Unreadable as unreadable:
            problem = unreadable.problem
        except OSError:
            problem = Problem(code="missing_file", message="The input file cannot be read any more.")
        else:
            self._store.begin(batch.id, lines, at=self._stamp())
            return
        self._store.move(batch.id, (State.VALIDATING,), State.FAILED, at=self._stamp(), problems=[problem])

    async def _stop(self, batch: Batch, why: Problem, state: State) -> None:
        """Give up what nobody has begun; once the rest has ended, so has the batch."""
        if batch.counts.total:
            await asyncio.to_thread(self._store.drop_waiting, batch.id, why)
            fresh = await asyncio.to_thread(self._store.batch, batch.id)
            if fresh is None or fresh.counts.left:
                return
        await self._alone(batch, partial(self._finish, state=state))

    def _finish(self, batch: Batch, state: State) -> None:
        """Write the files, then say so; after a crash in between they are written anew under other names."""
        if state is State.COMPLETED:
            self._store.move(batch.id, (State.IN_PROGRESS,), State.FINALIZING, at=self._stamp())
        output, errors = (self._written(batch, good=good) for good in (True, False))
        before = (State.IN_PROGRESS, State.FINALIZING, State.CANCELLING)
        self._store.move(batch.id, before, state, at=self._stamp(), output=output, errors=errors)

    def _written(self, batch: Batch, *, good: bool) -> str | None:
        """Write the output or the error file; return its id, or `None` if there is nothing to write."""
        file_id = new_id("file-")
        size = self._shelf.write(
            file_id,
            (output_line(batch, line, result) for line, result in self._store.results(batch.id, good=good)),
        )
        if not size:
            self._shelf.drop(file_id)
            return None
        name = f"{batch.id}_{'output' if good else 'error'}.jsonl"
        who = batch.principal.key
        self._store.add_file(
            File(id=file_id, purpose="batch_output", name=name, size=size, created=self._stamp(), owner=who)
        )
        return file_id

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _stamp(self) -> int:
        return int(self._now())


def _broken(claim: Claim) -> Result:
    error = FarthingError("Farthing itself failed; its log says how.")
    return Result(status=500, body=DIALECTS["chat"].error(500, error), request_id=request_id_of(claim))
