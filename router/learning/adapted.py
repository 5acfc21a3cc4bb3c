"""The classifier as it serves: what was shipped or trained, corrected by what was learnt here."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from router.difficulty import Difficulty
from router.difficulty.hierarchy import Doubles
from router.difficulty.model import LEAST, LONGEST_LOG, MOST
from router.difficulty.reader import HEAD
from router.learning.folder import Folder, stamp
from router.learning.local import Local
from router.learning.standing import Found, find
from router.predictions import Lineup, Predictions
from router.types import Model, Prediction, Segment, Turn

ANYWHERE = Segment()
LONGEST = float(np.exp(LONGEST_LOG))

REMEMBERED = 256
"""So many pools in segments are remembered with their corrections; past that, reckoning begins anew."""

log = logging.getLogger("farthing.learning")


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is done to a pool in a segment: logits are multiplied and moved, lengths multiplied (models,)."""

    slope: float
    shift: Doubles
    longer: Doubles


@dataclass(frozen=True, slots=True)
class Adapted:
    """A `Predictor`: `base`, corrected by `local` where there is one."""

    base: Difficulty
    local: Local | None = None
    _traits: Doubles = field(default_factory=lambda: np.zeros(0), init=False, repr=False, compare=False)
    _known: dict[tuple[Lineup, Segment], Correction] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        traits = self.local.traits if self.local is not None else ()
        if len(traits) == self.base.size - len(HEAD):
            object.__setattr__(self, "_traits", np.array(traits))

    @property
    def scale(self) -> str:
        return self.base.scale

    def describe(self, turns: Sequence[Turn], /) -> tuple[float, ...]:
        return self.base.describe(turns)

    def predict(
        self, vector: tuple[float, ...], models: Sequence[Model], segment: Segment = ANYWHERE, /
    ) -> Mapping[str, Prediction]:
        """Return what `base` expects of each model, corrected by own experience in the segment."""
        expected = self.base.predict(vector, models)
        if self.local is None or not models:
            return expected
        chances, tokens = expected.success, expected.tokens
        here = self._correction(self.local, expected.lineup, segment)
        moved = np.log(chances / (1.0 - chances)) * here.slope + here.shift
        if len(self._traits) and len(vector) == self.base.size:
            moved += float(self._traits @ vector[len(HEAD) :])
        chances = np.minimum(np.maximum(0.5 + 0.5 * np.tanh(0.5 * moved), LEAST), MOST)
        tokens = np.minimum(np.maximum(tokens * here.longer, 1.0), LONGEST)
        return Predictions(expected.lineup, chances, tokens)

    def _correction(self, local: Local, lineup: Lineup, segment: Segment) -> Correction:
        key = (lineup, segment)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[key] = Correction(
                slope=local.slope(segment),
                shift=np.array([local.shift(name, segment) for name in lineup.names]),
                longer=np.array([local.lengths.get(name, 1.0) for name in lineup.names]),
            )
        return found


class Living:
    """A `Predictor` that follows its data folder: `poll` takes what was learnt since."""

    def __init__(self, data: Path | None = None, *, learns: bool = True) -> None:
        """Read what is there; what cannot be used is logged, and what was shipped serves.

        With `learns` off, what was learnt from traffic is left alone.
        """
        self._learns = learns
        self._folder = Folder(data) if data is not None else None
        self._seen = self._look()
        self.found = self._find()
        self._now = self._adapted()

    @property
    def scale(self) -> str:
        return self._now.scale

    def describe(self, turns: Sequence[Turn], /) -> tuple[float, ...]:
        return self._now.describe(turns)

    def predict(
        self, vector: tuple[float, ...], models: Sequence[Model], segment: Segment = ANYWHERE, /
    ) -> Mapping[str, Prediction]:
        return self._now.predict(vector, models, segment)

    def poll(self) -> bool:
        """Take what is new and say whether anything was; may run in a thread beside those who predict."""
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen, self.found = seen, self._find()
        self._now = self._adapted()
        return True

    def _adapted(self) -> Adapted:
        return Adapted(self.found.base, self.found.local if self._learns else None)

    def _look(self) -> tuple[tuple[int, int, int], ...]:
        if self._folder is None:
            return ()
        return tuple(stamp(path) for path in (self._folder.local, self._folder.placed, self._folder.current))

    def _find(self) -> Found:
        found = find(self._folder)
        for note in found.notes:
            log.warning("%s", note)
        return found
