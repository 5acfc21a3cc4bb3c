"""Running totals that decisions look at: they are sinks, fed by what happened.

A meter tells its state as numbers with a name (`resting:small`, `first_token:small`).
Together they are the moment of a decision, which is kept with it, so that it can be made again.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from router.entry import LedgerEntry
from router.seams import Clock
from router.types import NOTHING, Purpose, Status

UPSTREAM_TROUBLE = frozenset({"Unreachable", "TimedOut", "RateLimited", "Broken", "Truncated", "Denied"})
"""Errors that speak against the upstream; a caller's own mistake does not."""


@dataclass(slots=True)
class _Record:
    failures: int = 0
    openings: int = 0
    open_until: float = 0.0


class Health:
    """A circuit breaker for each model.

    After `threshold` failures in a row a model rests for `rest` seconds, each time longer, up to `longest`.
    One failure after the rest opens it again, one success closes it.
    (Envoy's outlier detection: 5 failures, 30 s times the number of ejections.)
    """

    def __init__(
        self, clock: Clock, *, threshold: int = 5, rest: float = 30.0, longest: float = 300.0
    ) -> None:
        self.clock, self._threshold, self._rest, self._longest = clock, threshold, rest, longest
        self._records: dict[str, _Record] = {}

    def write(self, entries: Iterable[LedgerEntry], /) -> None:
        for entry in entries:
            if entry.status == Status.FAILED and entry.error in UPSTREAM_TROUBLE:
                self._failed(self._records.setdefault(entry.model, _Record()))
            elif entry.status in {Status.ACCEPTED, Status.REJECTED}:
                self._records.pop(entry.model, None)

    def resting(self, model: str) -> float:
        """Seconds the model still rests; 0 if it may be asked."""
        record = self._records.get(model)
        return max(0.0, record.open_until - self.clock.monotonic()) if record else 0.0

    def moment(self) -> Mapping[str, float]:
        """Seconds each resting model still rests, as `resting:<model>`."""
        if not self._records:
            return NOTHING
        now = self.clock.monotonic()
        return {
            f"resting:{name}": round(record.open_until - now, 3)
            for name, record in self._records.items()
            if record.open_until > now
        }

    def _failed(self, record: _Record) -> None:
        record.failures += 1
        if record.failures >= self._threshold:
            record.openings += 1
            rest = min(self._rest * record.openings, self._longest)
            record.open_until = self.clock.monotonic() + rest
            # One more failure after the rest is enough to open again.
            record.failures = self._threshold - 1


@dataclass(slots=True)
class _Pace:
    first_token: float
    speed: float | None
    at: float


class Latency:
    """How fast each model has lately been: averages in which a sample counts half after `halving` seconds.

    What was measured longer ago than `memory` seconds counts no more: a model that was slow is tried again.
    """

    def __init__(self, clock: Clock, *, halving: float = 60.0, memory: float = 300.0) -> None:
        self._clock, self._halving, self._memory = clock, halving, memory
        self._paces: dict[str, _Pace] = {}

    def write(self, entries: Iterable[LedgerEntry], /) -> None:
        for entry in entries:
            if entry.first_token_ms is not None and entry.purpose == Purpose.ANSWER:
                self._heard(entry, entry.first_token_ms)

    def _heard(self, entry: LedgerEntry, first_token: float) -> None:
        now, writing = self._clock.monotonic(), entry.duration_ms - first_token
        speed = entry.output_tokens / writing * 1000 if entry.output_tokens and writing > 1.0 else None
        old = self._paces.get(entry.model)
        if old is None or now - old.at > self._memory:
            self._paces[entry.model] = _Pace(first_token, speed, now)
            return
        # One sample counts a fifth at least, also where many come at once.
        share = max(0.2, 1.0 - math.pow(0.5, (now - old.at) / self._halving))
        old.first_token += share * (first_token - old.first_token)
        if speed is not None:
            old.speed = speed if old.speed is None else old.speed + share * (speed - old.speed)
        old.at = now

    def moment(self, models: Iterable[str]) -> dict[str, float]:
        """Milliseconds and tokens a second of these models, as `first_token:<model>` and `speed:<model>`."""
        oldest = self._clock.monotonic() - self._memory
        told: dict[str, float] = {}
        for name in models:
            pace = self._paces.get(name)
            if pace is not None and pace.at >= oldest:
                told[f"first_token:{name}"] = round(pace.first_token, 1)
                if pace.speed is not None:
                    told[f"speed:{name}"] = round(pace.speed, 1)
        return told
