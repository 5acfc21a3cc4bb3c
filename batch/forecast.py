"""What a file of requests will cost: sums of what each line may come to, with an interval by simulation.

Independent errors vanish in a long file; those that all its lines share do not.
So every draw moves the lengths of all answers together, then those of each model, then each answer's,
and how often checks reject the same way.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from policies.outlook import Step
from router.types import Model, Picodollars

Doubles = NDArray[np.float64]

DRAWS = 400
INTERVAL = (0.05, 0.95)
"""Quantiles of the draws: nine in ten lie between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """How far expectations err: standard deviations of logarithms, `climbs` in logits.

    `common`: the lengths of all answers to a file; `model`: those of one model beside the others;
    `answer`: one answer's; `prompt`: how another tokeniser cuts a prompt; `climbs`: how often checks reject.
    """

    common: float
    model: float
    answer: float
    prompt: float
    climbs: float

    def mixed(self, other: "Errors", share: float) -> "Errors":
        """Return the errors of a file of which a `share` errs as `other` does."""
        return Errors(
            **{
                each.name: sqrt(
                    (1.0 - share) * getattr(self, each.name) ** 2 + share * getattr(other, each.name) ** 2
                )
                for each in fields(self)
            }
        )


SHIPPED = Errors(common=0.9, model=0.5, answer=0.6, prompt=0.1, climbs=0.7)
"""Of files unlike any the classifier was fitted on, which any file may be."""

LEARNT = Errors(common=0.4, model=0.2, answer=0.6, prompt=0.1, climbs=0.5)
"""Of models whose answers were longer or shorter than expected in one's own traffic, which was learnt."""


@dataclass(slots=True)
class _Depth:
    """The steps that plans make at one depth, a row for each line that has one."""

    line: "array[int]" = field(default_factory=lambda: array("l"))
    model: "array[int]" = field(default_factory=lambda: array("l"))
    numbers: "tuple[array[float], ...]" = field(default_factory=lambda: tuple(array("d") for _ in range(7)))

    def add(self, line: int, model: int, step: Step) -> None:
        self.line.append(line)
        self.model.append(model)
        values = (
            step.rejected,
            step.read,
            step.tokens,
            step.bound,
            step.prompt,
            step.answer,
            step.checks,
        )
        for column, value in zip(self.numbers, values, strict=True):
            column.append(float(value or 0))


class Book:
    """Takes the steps of one line after another: some sixty bytes each."""

    def __init__(self) -> None:
        self.lines = self.unpriced = 0
        self.models: list[Model] = []
        self.most: Picodollars | None = 0
        self._places: dict[str, int] = {}
        self._depths: list[_Depth] = []

    def add(self, steps: Sequence[Step]) -> None:
        """Take one line; one that a model without a price may answer makes the whole a lower bound."""
        for depth, step in enumerate(steps):
            if depth == len(self._depths):
                self._depths.append(_Depth())
            self._depths[depth].add(self.lines, self._place(step.model), step)
            if step.most is None or self.most is None:
                self.most = None
            else:
                self.most += step.most
        self.unpriced += any(step.prompt is None for step in steps)
        self.lines += 1

    def _place(self, model: Model) -> int:
        place = self._places.setdefault(model.name, len(self.models))
        if place == len(self.models):
            self.models.append(model)
        return place

    def forecast(
        self, errors: Errors, *, of: int | None = None, draws: int = DRAWS, seed: int = 0
    ) -> "Forecast":
        """Simulate the file `draws` times; the lines taken are a sample `of` so many, or all there are."""
        of = self.lines if of is None else of
        found = Forecast(models=tuple(self.models), shape=(draws, len(self.models)))
        random = np.random.default_rng(seed)
        depths = [_Rows.of(depth) for depth in self._depths]
        for draw in range(draws):
            self._simulate(depths, errors, random, _weights(self.lines, of, random), found, draw)
        return found

    def _simulate(
        self,
        depths: Sequence["_Rows"],
        errors: Errors,
        random: np.random.Generator,
        weight: Doubles,
        found: "Forecast",
        draw: int,
    ) -> None:
        common = random.normal(0.0, errors.common)
        longer = np.exp(common + random.normal(0.0, errors.model, len(self.models)))
        cut = np.exp(random.normal(0.0, errors.prompt, len(self.models)))
        oftener = random.normal(0.0, errors.climbs)
        for rows in depths:
            tokens = rows.tokens * longer[rows.model] * _noise(errors.answer, len(rows.line), random)
            tokens = np.minimum(tokens, rows.bound)
            prompt, answer = rows.prompt * cut[rows.model], rows.each * tokens
            here = weight[rows.line] * (1.0 + rows.checks)
            amounts = (here, here * (prompt + answer), here * rows.read, here * tokens)
            found.add(draw, rows.model, amounts)
            odds = rows.odds * np.exp(oftener)
            climbs = random.random(len(rows.line)) < odds / (1.0 + odds)
            after = np.zeros(self.lines)
            after[rows.line] = weight[rows.line] * climbs
            weight = after


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """A depth as arrays; `each` is the price of a token that is written, `odds` those of a rejection."""

    line: NDArray[np.int64]
    model: NDArray[np.int64]
    read: Doubles
    tokens: Doubles
    bound: Doubles
    prompt: Doubles
    each: Doubles
    checks: Doubles
    odds: Doubles

    @classmethod
    def of(cls, depth: _Depth) -> "_Rows":
        rejected, read, tokens, bound, prompt, answer, checks = map(np.array, depth.numbers)
        return cls(
            line=np.array(depth.line, np.int64),
            model=np.array(depth.model, np.int64),
            read=read,
            tokens=tokens,
            bound=bound,
            prompt=prompt,
            each=answer / np.maximum(tokens, 1e-9),
            checks=checks,
            odds=rejected / np.maximum(1.0 - rejected, 1e-9),
        )


class Forecast:
    """What draws came to, each (draws, models): calls, those of checks too, picodollars, and tokens."""

    def __init__(self, *, models: tuple[Model, ...], shape: tuple[int, int]) -> None:
        self.models = models
        self.calls, self.cost, self.read, self.written = (np.zeros(shape) for _ in range(4))

    def add(self, draw: int, model: NDArray[np.int64], amounts: tuple[Doubles, ...]) -> None:
        totals = (self.calls, self.cost, self.read, self.written)
        for total, values in zip(totals, amounts, strict=True):
            total[draw] += np.bincount(model, values, len(self.models))


def _noise(spread: float, count: int, random: np.random.Generator) -> Doubles:
    """Factors with the mean one."""
    return np.asarray(np.exp(random.normal(-spread * spread / 2.0, spread, count)))


def _weights(lines: int, of: int, random: np.random.Generator) -> Doubles:
    """How much each line of a sample stands for; which lines were drawn is a matter of chance, too."""
    if of <= lines:
        return np.ones(lines)
    chance = np.sqrt(1.0 - lines / of) * (random.poisson(1.0, lines) - 1.0)
    return np.asarray((of / lines) * (1.0 + chance))
