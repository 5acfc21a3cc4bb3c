"""Says when what was promised is not what came, so that nothing drifts in silence.

For a stream of outcomes r in [0, 1], each with the chance p that was promised before it, a bet is kept that
pays if outcomes are better than p + BAND on average, and one that pays if they are worse than p - BAND.
As long as promises hold within the band, no bet is expected to gain, however long it is played.
It begins anew when it falls below its stake, so that a good past does not delay the alarm:
an e-detector (Shin, Ramdas and Rinaldo, 2023, CUSUM form), whose false alarms are on average at least
`PATIENCE` outcomes apart, with no assumption on how outcomes depend on each other.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

BAND = 0.05
"""Probability by which promises may be off without an alarm."""

PATIENCE = 1_000.0
STAKES = (0.2, 0.5, 0.9)
"""Shares of what is held that are bet: small ones find small shifts, large ones large shifts soon."""


@dataclass(slots=True)
class Bet:
    """One side's bets; `since` is when they last began anew."""

    sign: float
    held: list[float] = field(default_factory=lambda: [1.0] * len(STAKES))
    since: datetime | None = None

    def tell(self, time: datetime, promised: float, found: float) -> None:
        gain = self.sign * (found - promised) - BAND
        if all(each <= 1.0 for each in self.held):
            self.since = time
        self.held = [
            max(each, 1.0) * (1.0 + stake * gain) for each, stake in zip(self.held, STAKES, strict=True)
        ]

    @property
    def evidence(self) -> float:
        return sum(self.held) / len(self.held)


def alarms(outcomes: Iterable[tuple[datetime, float, float]]) -> Iterator[tuple[str, float, datetime]]:
    """Yield (side, evidence, since) for each side that has left the band, given (time, promised, found)."""
    sides = {"better than promised": Bet(1.0), "worse than promised": Bet(-1.0)}
    for time, promised, found in outcomes:
        for bet in sides.values():
            bet.tell(time, promised, found)
    for side, bet in sides.items():
        if bet.evidence >= PATIENCE and bet.since is not None:
            yield side, min(bet.evidence, 1e12), bet.since


def wilson(mean: float, count: int) -> tuple[float, float]:
    """Return a 95 % interval of a mean of outcomes in [0, 1] (Wilson's)."""
    z = 1.96
    share = 1.0 + z * z / count
    middle = (mean + z * z / (2 * count)) / share
    half = z * (mean * (1.0 - mean) / count + z * z / (4 * count * count)) ** 0.5 / share
    return max(middle - half, 0.0), min(middle + half, 1.0)
