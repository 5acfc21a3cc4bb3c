"""When engines of one's own will be late with a batch, some of its lines may go elsewhere.

How fast a batch goes is counted in the time in which its engines worked.
While what they can still do by the deadline is less than what is left, lines are told so; who may then have
them is their policy's business (`policies.spilling`), and with most policies nobody may.
The engines keep a few lines more than they have had at once: they stay busy, and the rest goes.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from batch.jobs import Batch
from router.errors import TimedOut
from router.seams import Clock
from router.types import Outcome
from router.windows import Window, within

LEAST = 5
"""Answers from which on a batch has a speed."""

PATIENCE = 0.1
"""Share of the time there is after which engines that have answered less are taken to be late."""

MARGIN = 0.9
"""Share of what they could do that is counted on."""

AHEAD = 2
"""Lines an engine keeps, in calls it has had at once: so that one waits when another ends."""

LATEST = 200
"""Answers that the speed is told by."""

FRESH = 0.5
"""Seconds for which the time that is left is not reckoned anew."""

STEPS = 500
"""Looks at the windows between two instants, at most; a minute apart at least."""


@dataclass(slots=True)
class _Line:
    """A line under way: whether it was told to spill, and why it was called back, if it was."""

    spilled: bool
    task: "asyncio.Task[Outcome]"
    sent: bool = False
    recalled: bool = False
    ended: bool = False


@dataclass(slots=True)
class _Course:
    """How a batch goes: seconds in which its engines worked, and those at which they answered.

    `before` lines had ended when this process came, `ended` have here since.
    `lines` are under way, so many of them spilled; `ahead` is the time left, and when that was reckoned.
    """

    batch: Batch
    looked: float
    opened: float = 0.0
    worked: float = 0.0
    before: int = 0
    ended: int = 0
    lines: "dict[str, _Line]" = field(default_factory=dict)
    spilled: int = 0
    ahead: tuple[float, float] | None = None
    answers: deque[float] = field(default_factory=lambda: deque([0.0], maxlen=LATEST + 1))

    @property
    def left(self) -> float:
        """Lines that are left to this process, if it goes on having its share of all that ends.

        What the store says is some time old: what has ended here is known.
        """
        counts = self.batch.counts
        everywhere = counts.completed + counts.failed - self.before
        share = self.ended / everywhere if self.ended and everywhere > self.ended else 1.0
        known = counts.total - counts.dropped - self.before - self.ended
        return min(counts.left * share, known)

    @property
    def waiting(self) -> list[_Line]:
        return [line for line in self.lines.values() if not (line.sent or line.recalled)]

    def over(self, now: float) -> bool:
        """Tell whether nothing more is to come of it here."""
        return not self.lines and (self.left <= 0 or now >= self.batch.deadline)

    @property
    def known(self) -> bool:
        return len(self.answers) > LEAST

    @property
    def speed(self) -> float:
        """Lines a second of work; while little is known, of all the time, as if another came this moment."""
        if self.known:
            return (len(self.answers) - 1) / max(1e-6, self.worked - self.answers[0])
        return len(self.answers) / max(1e-6, self.opened)


class Spill:
    """Watches the batches of a process; `pools` are the engines' windows, `busy` their calls now.

    Lines that are not sent yet are called back when their batch ends early, also where there is no engine.
    """

    def __init__(self, clock: Clock, pools: Mapping[str, Sequence[Window]], busy: Callable[[], int]) -> None:
        self._clock, self._pools, self._busy = clock, pools, busy
        self._courses: dict[str, _Course] = {}
        self._lines: dict[str, _Line] = {}
        self._peak = 0

    async def run(
        self, batch: Batch, request_id: str, answer: Callable[[bool], Awaitable[Outcome]]
    ) -> Outcome:
        """Have a line answered, told whether its engines are late; one that still waits is told later, too.

        Raises `TimedOut` if the batch ends before the line's turn.
        """
        course = self._course(batch)
        spilled = self._excess(course, more=1) > 0
        while True:
            line = _Line(spilled, asyncio.ensure_future(_awaited(answer, spilled)))
            self._lines[request_id] = course.lines[request_id] = line
            course.spilled += spilled
            try:
                outcome = await line.task
            except asyncio.CancelledError:
                if not line.recalled:
                    raise
                if line.ended:
                    raise TimedOut("The batch ended before this line's turn.") from None
                spilled = True
            else:
                self._ended(course, outcome)
                return outcome
            finally:
                del self._lines[request_id], course.lines[request_id]
                course.spilled -= line.spilled

    def sent(self, request_id: str) -> None:
        """Note that a call is sent for a line: it waits no longer."""
        line = self._lines.get(request_id)
        if line is not None:
            line.sent = True

    def look(self) -> bool:
        """Call back lines that wait for engines in vain; tell whether any batch is late."""
        late = False
        for course in list(self._courses.values()):
            if course.over(self._now()):
                del self._courses[course.batch.id]
                continue
            self._tick(course)
            excess = self._excess(course)
            if excess > 0:
                late = True
                self._recall([line for line in course.waiting if not line.spilled][-excess:])
        return late

    def end(self, batch_id: str) -> None:
        """Call back every line of a batch that ends early and has not been sent."""
        course = self._courses.get(batch_id)
        waiting = course.waiting if course is not None else []
        for line in waiting:
            line.ended = True
        self._recall(waiting)

    def _recall(self, lines: Sequence[_Line]) -> None:
        for line in lines:
            line.recalled = True
            line.task.cancel()

    def _course(self, batch: Batch) -> _Course:
        course = self._courses.get(batch.id)
        if course is None:
            before = batch.counts.completed + batch.counts.failed
            course = self._courses[batch.id] = _Course(batch, looked=self._now(), before=before)
        course.batch = batch
        self._tick(course)
        return course

    def _ended(self, course: _Course, outcome: Outcome) -> None:
        chosen = outcome.chosen
        if chosen is None:
            return
        course.ended += 1
        if chosen.decision.model.upstream in self._pools:
            self._tick(course)
            course.answers.append(course.worked)

    def _excess(self, course: _Course, *, more: int = 0) -> int:
        """How many of the lines at the engines, and `more` to come, are too many; 0 if they are in time."""
        can = self._can(course, self._ahead(course)) if self._pools else None
        if can is None:
            return 0
        there = len(course.lines) - course.spilled + more
        too_many = ceil(course.left - course.spilled - can)
        return max(0, min(too_many, there - min(AHEAD * self._peak, int(can))))

    def _can(self, course: _Course, ahead: float) -> float | None:
        """Lines the engines can answer in `ahead` seconds; `None`: it is too early to tell."""
        if ahead <= 0.0:
            return 0.0
        early = course.opened <= PATIENCE * (course.opened + ahead)
        return None if early and not course.known else MARGIN * course.speed * ahead

    def _ahead(self, course: _Course) -> float:
        """Seconds in which an engine may work until the deadline, not older than half a second."""
        now = self._now()
        if course.ahead is None or now - course.ahead[0] > FRESH:
            course.ahead = now, self._open(now, course.batch.deadline)
        return course.ahead[1]

    def _tick(self, course: _Course) -> None:
        now, busy = self._now(), self._busy()
        passed = self._open(course.looked, now)
        course.opened += passed
        course.worked += passed if busy else 0.0
        course.looked = now
        self._peak = max(self._peak, busy)

    def _open(self, start: float, end: float) -> float:
        """Seconds between two instants in which any engine may work."""
        windows = [window for each in self._pools.values() for window in each]
        if end <= start or not windows or not all(self._pools.values()):
            return max(0.0, end - start)
        at = datetime.fromtimestamp(start, self._clock.now().tzinfo)
        step = max(60.0, (end - start) / STEPS)
        count = max(1, round((end - start) / step))
        share = sum(
            any(within(window, at + timedelta(seconds=step * place)) for window in windows)
            for place in range(count)
        )
        return (end - start) * share / count

    def _now(self) -> float:
        return self._clock.now().timestamp()


async def _awaited(answer: Callable[[bool], Awaitable[Outcome]], spilled: bool) -> Outcome:
    return await answer(spilled)
