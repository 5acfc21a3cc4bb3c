"""Predictions for many models as two arrays, which read as a mapping of `Prediction`s."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from router.types import Prediction

Doubles = NDArray[np.float64]


class Lineup:
    """Names of models in a fixed order, with the place of each."""

    __slots__ = ("names", "places")

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.places = {name: place for place, name in enumerate(self.names)}


class Predictions(Mapping[str, Prediction]):
    """What is expected of each model of a line-up: `success` (models,) and `tokens` of the answer (models,).

    A line-up that many have in common is one object, so that who looks up places need do so only once.
    """

    __slots__ = ("lineup", "success", "tokens")

    def __init__(self, lineup: Lineup, success: Doubles, tokens: Doubles) -> None:
        self.lineup, self.success, self.tokens = lineup, success, tokens

    @classmethod
    def of(cls, told: Mapping[str, Prediction]) -> "Predictions":
        """Give what is told as arrays, if it is not so already."""
        if isinstance(told, cls):
            return told
        each = told.values()
        return cls(
            lineup(tuple(told)),
            np.array([one.success for one in each], float),
            np.array([one.output_tokens for one in each], float),
        )

    def chances(self) -> dict[str, float]:
        """Each model's chance of an adequate answer, by name."""
        return dict(zip(self.lineup.names, self.success.tolist(), strict=True))

    def lengths(self) -> dict[str, float]:
        """Each model's expected tokens, by name."""
        return dict(zip(self.lineup.names, self.tokens.tolist(), strict=True))

    def __getitem__(self, name: str) -> Prediction:
        place = self.lineup.places[name]
        return Prediction(success=float(self.success[place]), output_tokens=float(self.tokens[place]))

    def __contains__(self, name: object) -> bool:
        return name in self.lineup.places

    def __iter__(self) -> Iterator[str]:
        return iter(self.lineup.names)

    def __len__(self) -> int:
        return len(self.lineup.names)

    def __repr__(self) -> str:
        return f"Predictions({dict(self)!r})"


@lru_cache(maxsize=256)
def lineup(names: tuple[str, ...]) -> Lineup:
    """Give the line-up of these names, the same object each time."""
    return Lineup(names)
