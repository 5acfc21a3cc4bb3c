"""What answers turned out to be worth, as arrays, and how much a self-check tells of that."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from router.difficulty.hierarchy import Doubles
from router.types import Segment

Places: TypeAlias = NDArray[np.intp]
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """How old evidence fades: by half for every so many newer ones of its model, and for every so many days.

    Self-checks may count for at most `checks` verdicts a model and segment, however many there are:
    what they are taken to catch is an assumption, and an error in it does not average out.
    """

    outcomes: float = 500.0
    days: float = 30.0
    checks: float = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Judged answers, oldest first; n of each.

    `result` in [0, 1] happened with the probability base + gain * (chance that the answer is adequate):
    base 0 and gain 1 where somebody told, 1 - catch and catch - alarm where checks did.
    """

    models: tuple[str, ...]
    segments: tuple[Segment, ...]
    model: Places
    segment: Places
    vectors: Doubles
    result: Doubles
    base: Doubles
    gain: Doubles
    told: Flags
    """Whether a person, a test or an audit said it, and not a self-check."""
    after: Flags
    """Whether another model's answer had been rejected before: such requests are harder than they look."""
    days: Doubles
    """Age."""
    tokens: Doubles
    """Tokens written; NaN where unknown."""
    promised: Doubles
    """The chance that was predicted when the request was decided; NaN where unknown."""

    def __len__(self) -> int:
        return len(self.result)

    def at(self, places: Places | Flags) -> "Evidence":
        names = ("model", "segment", "vectors", "result", "base", "gain", "told", "after", "days", "tokens")
        return replace(self, **{name: getattr(self, name)[places] for name in (*names, "promised")})

    def weights(self, forgetting: Forgetting) -> Doubles:
        """Return what each still counts (n,)."""
        newer = np.zeros(len(self))
        for model in range(len(self.models)):
            mine = np.flatnonzero(self.model == model)
            newer[mine] = np.arange(len(mine))[::-1]
        faded = np.asarray(0.5 ** (newer / forgetting.outcomes + self.days / forgetting.days))
        cell = self.segment * len(self.models) + self.model
        checked = np.where(self.told, 0.0, faded)
        total = np.bincount(cell, checked, len(self.segments) * len(self.models))
        kept = np.minimum(1.0, forgetting.checks / np.maximum(total, 1e-9))
        return np.where(self.told, faded, faded * kept[cell])
