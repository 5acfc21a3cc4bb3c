"""Running totals that rules read: they are sinks, fed by what happened."""

from collections.abc import Iterable
from dataclasses import dataclass

from router.entry import LedgerEntry
from router.seams import Clock
from router.types import Features, Model, Request, Status

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
        self._clock, self._threshold, self._rest, self._longest = clock, threshold, rest, longest
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
        return max(0.0, record.open_until - self._clock.monotonic()) if record else 0.0

    def rule(self, request: Request, features: Features, model: Model, /) -> str | None:  # noqa: ARG002 - the seam
        """Strike out models that are resting."""
        left = self.resting(model.name)
        return f"failed repeatedly and rests for another {left:.0f} s" if left else None

    def _failed(self, record: _Record) -> None:
        record.failures += 1
        if record.failures >= self._threshold:
            record.openings += 1
            rest = min(self._rest * record.openings, self._longest)
            record.open_until = self._clock.monotonic() + rest
            # One more failure after the rest is enough to open again.
            record.failures = self._threshold - 1
