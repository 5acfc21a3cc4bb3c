"""How much of an engine work that can wait may take while others wait for their answers.

An engine's own priorities do not keep interactive answers quick:
what is decoding goes on decoding beside them.
So the gate keeps background calls few for as long as anybody else has been seen at the engine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from batch.load import EngineLoad
from router.seams import Clock
from router.windows import Window, within

QUIET_AFTER = 10.0
"""Seconds without anybody else after which the engine is ours again."""

IN_USE = 5.0
"""Seconds after the last question for room from which on nobody looks at the engine any more."""

FULL = 0.95
"""Share of the KV cache in use from which on no more calls are added: the engine would preempt."""

FIRST = 16
"""Calls an engine gets before it has shown how many it runs at once."""

AHEAD = 2.0
"""Calls it gets for each that it runs: it takes on more if it can; else one that ends is followed at once.

Calls that began together end together, and then all that run are followed by as many that wait there.
"""

STALE = 3.0
"""Seconds after a look from which on it tells nothing of who is there now: a new count begins."""

FADES = 0.97
"""What is left at each look of how many it has been seen to run, if it runs fewer now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an engine's owner allows work that can wait: calls at once, alone and beside interactive ones.

    `priority` says that the engine lets calls of a lower one pass those that wait in its queue.
    """

    most: int = 256
    beside_interactive: int = 0
    priority: bool = False
    windows: Sequence[Window] = ()


class Gate:
    """Says how many background calls an engine may have.

    It is told of the engine's load (`saw`) and of our own calls there (`begun`, `over`).
    `waited` says when, in seconds since 1970, any process of ours last sent it an interactive call.
    """

    def __init__(
        self,
        terms: Terms,
        clock: Clock,
        *,
        ready: Callable[[], bool] = lambda: True,
        waited: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.terms, self._clock, self._ready, self._waited = terms, clock, ready, waited
        self._load: EngineLoad | None = None
        self._width, self._runs = float(FIRST), 0.0
        self._strange = 0.0
        self._others_until = 0.0
        self.busy = self.ended = 0
        # The most calls at once since the last look began, and those ended by then; and since the one before.
        self._most = self._ended_before = 0
        self._past = (0, 0)
        self._asked = self._looked = float("-inf")
        self._anew = False

    @property
    def steers(self) -> bool:
        """Whether the engine tells what it is busy with, so that `room` is as many as keep it full."""
        return self._load is not None

    @property
    def fed(self) -> bool:
        """Whether the engine has more than it runs, so that there is no hurry to look again."""
        return self._load is not None and self._load.waiting > 0

    @property
    def in_use(self) -> bool:
        """Whether anything depends on what the engine says."""
        return self.busy > 0 or self._clock.monotonic() - self._asked < IN_USE

    def room(self) -> int:
        """Calls the engine may have of us now, those it has included."""
        self._asked = self._clock.monotonic()
        if not self._ready() or not self._is_time():
            return 0
        if self._somebody_waits():
            return self.terms.beside_interactive
        return min(self.terms.most, int(self._width)) if self.steers else self.terms.most

    def looking(self) -> None:
        """Note that a look begins, whose reading `saw` gets some time later."""
        now = self._clock.monotonic()
        self._anew, self._looked = now - self._looked > STALE, now
        self._past, self._most = (self._most, self._ended_before), self.busy
        self._ended_before = self.ended

    def saw(self, load: EngineLoad | None) -> None:
        """Take a new reading of the engine; `None`: it says nothing, and is taken for ours."""
        before, self._load = self._load, load
        if load is None:
            self._width, self._runs = float(FIRST), 0.0
            return
        self._steer(load, preempted=before is not None and load.preemptions > before.preemptions)
        # A reading is of a moment since the look before: of our calls then, any may have ended there.
        most, earliest = max(self._past[0], self._most), self._past[1]
        if before is None or self._anew or load.ended - earliest < self._strange:
            self._strange = load.ended - earliest
        elif load.ended - self.ended - most > self._strange:
            self._strange = load.ended - earliest
            self._others_came()
        # One call may have begun between the reading and ours.
        if load.running + load.waiting > most + 1:
            self._others_came()

    def _steer(self, load: EngineLoad, *, preempted: bool) -> None:
        """Find how many calls keep it full."""
        if preempted or load.kv_usage >= FULL:
            self._runs = load.running
            self._width = max(1.0, load.running)
        else:
            self._runs = max(load.running, self._runs * FADES)
            self._width = max(FIRST, self._runs * AHEAD)

    def begun(self) -> None:
        self.busy += 1
        self._most = max(self._most, self.busy)

    def over(self) -> None:
        self.busy -= 1
        self.ended += 1

    def _others_came(self) -> None:
        self._others_until = self._clock.monotonic() + QUIET_AFTER

    def _somebody_waits(self) -> bool:
        if self._clock.monotonic() < self._others_until:
            return True
        waited = self._waited()
        # Either way: a clock that was put back has not seen anybody for as long as it was put back.
        return waited is not None and abs(self._clock.now().timestamp() - waited) < QUIET_AFTER

    def _is_time(self) -> bool:
        windows = self.terms.windows
        return not windows or any(within(window, self._clock.now()) for window in windows)
