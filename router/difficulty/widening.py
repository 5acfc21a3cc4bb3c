"""Chooses when a text counts as strange, from sources that were left out of training on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from router.difficulty.hierarchy import Doubles
from router.difficulty.model import Doubt

PRICE = 0.001
"""What known text may lose by it, in log loss: beyond that, calibration there suffers."""

SHARES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98, 0.995)
"""Of known text, shares that might be less strange than where the odds are even."""

STEEPNESS = (4.0, 8.0)
"""In standard deviations of known text; a softer border would make all known text a little timid."""

SHIFTS = (0.0, 0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Outcomes (n) and what networks blind to them saw: strangeness, and logits by either kind of row."""

    strange: Doubles
    near: Doubles
    far: Doubles
    score: Doubles

    def loss(self, doubt: Doubt) -> float:
        """Return the log loss of predicting with these doubts."""
        odd = doubt.strangeness(self.strange)
        doubted = self.far / np.sqrt(1.0 + np.pi / 8.0 * doubt.shift)
        chance = 0.5 + 0.5 * ((1.0 - odd) * np.tanh(0.5 * self.near) + odd * np.tanh(0.5 * doubted))
        chance = np.clip(chance, 0.01, 0.99)
        return float(-np.mean(self.score * np.log(chance) + (1.0 - self.score) * np.log(1.0 - chance)))


def choose(directions: Sequence[Doubles], known: Sighting, left_out: Sequence[Sighting]) -> Doubt:
    """Return the doubts that are best on left-out sources and cost known text no more than `PRICE`.

    `directions` (strange,) are ways in which a text may be strange: the steepest useful one is taken.
    """
    never = Doubt(weights=np.array([-30.0, *np.zeros_like(directions[0])]), shift=0.0)
    enough = known.loss(never) + PRICE

    def total(doubt: Doubt) -> float:
        return sum(one.loss(doubt) for one in left_out) / len(left_out)

    choices = [never]
    for direction, share, steep in product(directions, SHARES, STEEPNESS):
        along = known.strange @ direction
        slope = steep / max(float(along.std()), 1e-9)
        weights = np.array([-slope * float(np.quantile(along, share)), *(slope * direction)])
        choices.append(Doubt(weights=weights, shift=SHIFTS[1]))
    best = min((one for one in choices if known.loss(one) <= enough), key=total)
    shifted = [Doubt(weights=best.weights, shift=shift) for shift in SHIFTS]
    return min((one for one in shifted if known.loss(one) <= enough), key=total, default=best)
