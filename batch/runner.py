"""Works through batches: reads their files, answers their lines, writes what became of them.

Several may work on one store: lines are claimed, and a batch is moved on by one of them alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from batch.answering import broken, request_id_of
from batch.claiming import Meal
from batch.intake import Unreadable, read_lines
from batch.jobs import Batch, Claim, File, Move, Problem, State, new_id
from batch.seams import Answer, Shelf, Store
from batch.together import Together
from batch.wire import output_line
from router.errors import StoreAway
from router.seams import Clock

LOOK_EVERY = 0.2
"""Seconds between two looks at what has come, ended or been cancelled."""

MEAL = 8
"""Lines are claimed by many at a time: once an eighth of those under way have ended."""

TROUBLE = 5.0
"""Seconds before something is tried again that the disk or the store did not take."""

MOST_TRIES = 10
"""Tries of a line whose upstream fails, or whose process dies, before it is given up."""

LONGEST_PAUSE = 300.0
"""Seconds a line waits for an upstream that failed again and again; it begins with two, and doubles."""

CANCELLED = Problem(code="batch_cancelled", message="The batch was cancelled before this line's turn.")
EXPIRED = Problem(code="batch_expired", message="The batch's time was over before this line's turn.")
SPENT = Problem(
    code="batch_cost_limit", message="The batch had spent what it may cost before this line's turn."
)

Step: TypeAlias = Callable[[Batch], bool]
"""Moves a batch on, and tells whether it did; blocks, so it is taken in a thread."""

log = logging.getLogger("farthing.batch")


@dataclass(frozen=True, slots=True)
class _End:
    """How a batch ends early: what its lines are told that had no turn, and as what."""

    why: Problem
    state: State


class Runner:
    """`meal` says what more may be begun now; `claims` is kept filled with those under way.

    `ending` is told a batch that ends early, again and again until its last line has ended.
    """

    def __init__(  # noqa: PLR0913 - parts, by name
        self,
        store: Store,
        shelf: Shelf,
        answer: Answer,
        *,
        clock: Clock,
        worker: str,
        meal: Callable[[], Meal],
        claims: dict[str, Claim],
        ending: Callable[[str], None] = lambda _batch_id: None,
        news: asyncio.Event | None = None,
    ) -> None:
        self._store, self._shelf, self._answer = store, shelf, answer
        self._complete = Together(store.complete)
        self._clock, self._worker, self._meal = clock, worker, meal
        self._running: set[asyncio.Task[None]] = set()
        self._moving: dict[str, asyncio.Task[None]] = {}
        self._claims, self._ending = claims, ending
        self._batches: dict[str, Batch] = {}
        self._news = news or asyncio.Event()
        self._full = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is under way then lapses, for whoever takes over."""
        async with asyncio.TaskGroup() as group:
            try:
                while not stop.is_set():
                    await self._look_if_possible(group)
                    await self._wait(stop)
            finally:
                for task in (*self._running, *self._moving.values()):
                    task.cancel()
        await self._complete.close()
        with suppress(StoreAway):  # then its silence is noticed
            await asyncio.to_thread(self._store.resign, self._worker)

    async def _wait(self, stop: asyncio.Event) -> None:
        """Sleep until enough lines have ended, it is time to look again, or to stop."""
        waiting = [asyncio.ensure_future(self._news.wait()), asyncio.ensure_future(stop.wait())]
        try:
            await asyncio.wait(waiting, timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in waiting:
                future.cancel()

    async def _look_if_possible(self, group: asyncio.TaskGroup) -> None:
        """Look; a disk that is full, or a store that is away, ends nothing that could go on later."""
        self._news.clear()
        try:
            await self._look(group)
        except Exception:
            log.exception("the batches cannot be looked at; that is tried again in %.0f s", TROUBLE)
            await asyncio.sleep(TROUBLE)

    async def _look(self, group: asyncio.TaskGroup) -> None:
        batches = await asyncio.to_thread(self._store.under_way)
        self._batches = {batch.id: batch for batch in batches}
        for batch in batches:
            if batch.id not in self._moving:
                await self._move_on(group, batch)
        if not any(batch.state is State.IN_PROGRESS for batch in batches):
            return
        meal = self._meal()
        if meal.limit > 0:
            claims = await asyncio.to_thread(self._store.claim, self._worker, meal.limit, but=meal.but)
            for claim in claims:
                await self._begin(group, claim)
        self._full = len(self._running)

    async def _begin(self, group: asyncio.TaskGroup, claim: Claim) -> None:
        # One that another process has begun since we looked is not among those we know.
        batch = self._batches.get(claim.batch) or await asyncio.to_thread(self._store.batch, claim.batch)
        if batch is None:
            return
        task = group.create_task(self._work(batch, claim))
        self._running.add(task)
        self._claims[request_id_of(claim)] = claim
        task.add_done_callback(partial(self._ended, claim))

    def _ended(self, claim: Claim, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        del self._claims[request_id_of(claim)]
        if len(self._running) <= self._full - self._full // MEAL:
            self._news.set()

    def _moved(self, batch_id: str, _: asyncio.Task[None]) -> None:
        del self._moving[batch_id]

    async def _work(self, batch: Batch, claim: Claim) -> None:
        try:
            raw = await asyncio.to_thread(
                self._shelf.read, batch.input_file, claim.line.offset, claim.line.length
            )
            result = await self._answer(batch, claim, raw)
        except StoreAway as error:
            log.warning("line %d of %s waits: %s", claim.line.number, claim.batch, error)
            result = replace(broken(claim), again=TROUBLE)
        except Exception:
            # Ours, and not the batch's fault: the line says so, and the others go on.
            log.exception("line %d of %s could not be worked on", claim.line.number, claim.batch)
            result = broken(claim)
        if result.again is not None and claim.tries < MOST_TRIES:
            pause = max(result.again, min(2.0**claim.tries, LONGEST_PAUSE))
            back = partial(self._store.give_back, claim, cost=result.cost, wait=pause)
            # No task, so that it is done also when we are stopped meanwhile.
            await self._recorded(
                lambda: asyncio.shield(asyncio.get_running_loop().run_in_executor(None, back))
            )
        else:
            await self._recorded(lambda: self._complete((claim, result)))

    async def _recorded(self, record: Callable[[], Awaitable[object]]) -> None:
        """Write down what came of a line, however long the disk takes nothing: it has been paid for."""
        while True:
            try:
                await record()
            except Exception:
                log.exception("a result cannot be written; that is tried again in %.0f s", TROUBLE)
                await asyncio.sleep(TROUBLE)
            else:
                return

    async def _move_on(self, group: asyncio.TaskGroup, batch: Batch) -> None:
        """Move a batch on, if it is time; what takes long is done beside, so that the others go on."""
        end = self._end_of(batch)
        if end is not None and batch.counts.total:
            # Here, before others of its lines are begun.
            await asyncio.to_thread(self._store.drop_waiting, batch.id, end.why)
            self._ending(batch.id)
        if batch.state is State.VALIDATING:
            step: Step = self._validate
        elif end is not None:
            step = partial(self._stop, state=end.state)
        elif not batch.counts.left:
            step = partial(self._finish, state=State.COMPLETED)
        else:
            return
        task = self._moving[batch.id] = group.create_task(self._take(step, batch))
        task.add_done_callback(partial(self._moved, batch.id))

    def _end_of(self, batch: Batch) -> _End | None:
        """Say how a batch ends before all of its lines have had their turn, if it does."""
        if batch.state is State.CANCELLING:
            return _End(CANCELLED, State.CANCELLED)
        if batch.state is not State.IN_PROGRESS:
            return None
        if batch.deadline <= self._now():
            return _End(EXPIRED, State.EXPIRED)
        over = batch.max_cost is not None and batch.counts.spent >= batch.max_cost
        return _End(SPENT, State.COMPLETED) if over else None

    async def _take(self, step: Step, batch: Batch) -> None:
        """Take a step; one that fails is tried again, and holds up no other batch."""
        try:
            if await asyncio.to_thread(self._alone, step, batch):
                self._news.set()
        except Exception:
            log.exception("%s cannot be moved on; that is tried again in %.0f s", batch.id, TROUBLE)
            await asyncio.sleep(TROUBLE)

    def _alone(self, step: Step, batch: Batch) -> bool:
        """Take a step, unless another process takes it or has taken it."""
        with self._store.alone(batch.id) as alone:
            fresh = self._store.batch(batch.id) if alone else None
            return fresh is not None and fresh.state is batch.state and step(fresh)

    def _validate(self, batch: Batch) -> bool:
        try:
            lines = read_lines(self._shelf.path(batch.input_file), batch.endpoint)
        except Unreadable as unreadable:
            problems: Sequence[Problem] = unreadable.problems
        except FileNotFoundError:
            problems = [Problem(code="missing_file", message="The input file is not there any more.")]
        else:
            return self._store.begin(batch.id, lines, at=self._stamp())
        failed = Move(before=(State.VALIDATING,), state=State.FAILED, at=self._stamp(), problems=problems)
        return self._store.move(batch.id, failed)

    def _stop(self, batch: Batch, *, state: State) -> bool:
        """End a batch whose waiting lines were given up, once the others have ended."""
        return not batch.counts.left and self._finish(batch, state=state)

    def _finish(self, batch: Batch, *, state: State) -> bool:
        """Write the files, then say so; after a crash in between they are written anew under other names."""
        if state is State.COMPLETED:
            finalizing = Move(before=(State.IN_PROGRESS,), state=State.FINALIZING, at=self._stamp())
            self._store.move(batch.id, finalizing)
        files = [self._written(batch, good=good) for good in (True, False)] if batch.counts.total else ()
        output, errors = files or (None, None)
        before = (State.IN_PROGRESS, State.FINALIZING, State.CANCELLING)
        ended = Move(before=before, state=state, at=self._stamp(), output=output, errors=errors)
        return self._store.move(batch.id, ended)

    def _written(self, batch: Batch, *, good: bool) -> File | None:
        """Write the output or the error file; `None` if there is nothing to write."""
        file_id = new_id("file-")
        size = self._shelf.write(
            file_id,
            (output_line(batch, line, result) for line, result in self._store.results(batch.id, good=good)),
        )
        if not size:
            self._shelf.drop(file_id)
            return None
        now = self._stamp()
        return File(
            id=file_id,
            purpose="batch_output",
            name=f"{batch.id}_{'output' if good else 'error'}.jsonl",
            size=size,
            created=now,
            owner=batch.principal.key,
            expires=now + batch.output_window if batch.output_window is not None else None,
        )

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _stamp(self) -> int:
        return int(self._now())
