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

FULL = 0.95
"""Share of the KV cache in use from which on no more calls are added: the engine would preempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an engine's owner allows work that can wait: calls at once, alone and beside interactive ones."""

    most: int = 256
    beside_interactive: int = 2
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
        self._terms, self._clock, self._ready, self._waited = terms, clock, ready, waited
        self._load: EngineLoad | None = None
        self._strange = 0.0
        self._others_until = 0.0
        self.busy = self.ended = 0

    def room(self) -> int:
        """Calls the engine may have of us now, those it has included."""
        if not self._ready() or not self._is_time():
            return 0
        if self._somebody_waits():
            return self._terms.beside_interactive
        if self._load is not None and self._load.kv_usage >= FULL:
            return min(self._terms.most, self.busy)
        return self._terms.most

    def saw(self, load: EngineLoad | None) -> None:
        """Take a new reading of the engine; `None`: it says nothing, and is taken for ours."""
        first, self._load = self._load is None, load
        if load is None:
            return
        # What it has ended beyond ours. Of our busy calls any may have ended there, and not yet here.
        strange = load.ended - self.ended
        if first or strange < self._strange:
            self._strange = strange
        elif strange > self._strange + self.busy:
            self._strange = strange
            self._others_came()
        # One call may have begun between the reading and ours.
        if load.running + load.waiting > self.busy + 1:
            self._others_came()

    def begun(self) -> None:
        self.busy += 1

    def over(self) -> None:
        self.busy -= 1
        self.ended += 1

    def _others_came(self) -> None:
        self._others_until = self._clock.monotonic() + QUIET_AFTER

    def _somebody_waits(self) -> bool:
        if self._clock.monotonic() < self._others_until:
            return True
        waited = self._waited()
        return waited is not None and self._clock.now().timestamp() - waited < QUIET_AFTER

    def _is_time(self) -> bool:
        windows = self._terms.windows
        return not windows or any(within(window, self._clock.now()) for window in windows)
