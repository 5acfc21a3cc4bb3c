"""The engines of one's own: a gate for each, whatever they are busy with, and someone who looks at them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from batch.engine import EngineFiles, EngineState
from batch.gate import Gate, Terms
from batch.lookout import Lookout
from router.seams import Clock

GLANCE_EVERY = 0.05
"""Seconds for which what stands in an engine's files is taken as it was."""

Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """One engine as the configuration has it; `metrics` is the URL at which it tells its load.

    `kept` says that Farthing starts it, so that it may not be there yet.
    """

    terms: Terms
    metrics: str
    kept: bool = False


class Glance(Generic[Seen]):
    """What `look` sees, looked at again once that is some time ago: a gate is asked for every call."""

    def __init__(self, look: Callable[[], Seen], clock: Clock) -> None:
        self._look, self._clock, self._at = look, clock, float("-inf")
        self._seen: Seen

    def __call__(self) -> Seen:
        now = self._clock.monotonic()
        if now - self._at >= GLANCE_EVERY:
            self._at, self._seen = now, self._look()
        return self._seen


class Pool:
    """What is known of the engines by upstream; one of a process."""

    def __init__(self, specs: Mapping[str, PoolSpec], data: Path, clock: Clock) -> None:
        self.specs, self._clock = specs, clock
        self._files = {name: EngineFiles(data / "engines", name) for name in specs}
        self.gates: Mapping[str, Gate] = {
            name: Gate(
                spec.terms,
                clock,
                ready=self._ready(name, spec),
                waited=Glance(self._files[name].interactive, clock),
            )
            for name, spec in specs.items()
        }

    def want(self, upstream: str) -> None:
        """Say that an engine is wanted, so that one that was stopped is started."""
        if upstream in self.specs and self.specs[upstream].kept:
            self._files[upstream].want()

    def note_interactive(self, upstream: str) -> None:
        """Say that somebody waits for an answer of an engine: work that can wait makes room."""
        if upstream in self.specs:
            self._files[upstream].note_interactive()

    def lookout(self, woken: Callable[[], None]) -> Lookout:
        """Make who looks at all of them, and calls `woken` after each look."""
        return Lookout(self.gates, {name: spec.metrics for name, spec in self.specs.items()}, woken)

    def _ready(self, name: str, spec: PoolSpec) -> Callable[[], bool]:
        files = self._files[name]
        return (
            Glance(lambda: files.state() is EngineState.READY, self._clock) if spec.kept else (lambda: True)
        )
