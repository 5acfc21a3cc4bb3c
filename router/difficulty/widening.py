"""Chooses how predictions widen, from kinds of prompt that were left out of training on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from router.difficulty.corpus import Corpus, Places
from router.difficulty.crossing import Crossed
from router.difficulty.hierarchy import Belief, Doubles
from router.difficulty.model import Doubt

OFFSETS = np.linspace(2.0, -12.0, 29)
STEEPNESS = (1.0, 1.5, 2.0)
KEPT = (0.5, 0.75, 1.0)
SHIFTS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Outcomes (n) and what a blind network saw: strangeness, the model's level, the prompt's tilt."""

    strange: Doubles
    level: Doubles
    tilt: Doubles
    score: Doubles

    def loss(self, doubt: Doubt) -> float:
        """Return the log loss of predicting with these doubts."""
        odd = doubt.strangeness(self.strange)
        tilted = self.level + (1.0 - odd * (1.0 - doubt.kept)) * self.tilt
        logits = tilted / np.sqrt(1.0 + np.pi / 8.0 * doubt.shift * odd)
        return float(np.mean(np.logaddexp(0.0, logits) - self.score * logits))


def drawn(corpus: Corpus, count: int, random: np.random.Generator, *, even: bool) -> Places:
    """Draw outcomes: as they come, or with every task equally often."""
    if not even:
        return random.integers(0, len(corpus.score), count)
    _, task, sizes = np.unique(corpus.task[corpus.prompt], return_inverse=True, return_counts=True)
    return random.choice(len(task), count, p=1.0 / sizes[task] / len(sizes))


def sighting(
    corpus: Corpus,
    at: Places,
    column: NDArray[np.intp],
    beliefs: Sequence[Belief],
    traits: Doubles,
    strange: Doubles,
) -> Sighting:
    """Gather outcomes, by position, with the traits (P, T) and strangeness (P, S) of their prompts."""
    means = np.array([belief.mean for belief in beliefs])[column[at]]
    prompt = corpus.prompt[at]
    return Sighting(
        strange=strange[prompt],
        level=means[:, 0],
        tilt=(means[:, 1:] * traits[prompt]).sum(1),
        score=corpus.score[at],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Outcomes that predictions are held against, and what is believed of the `known` models."""

    corpus: Corpus
    beliefs: tuple[Belief, ...]
    known: Places
    draws: int

    def sighting(self, side: Crossed, random: np.random.Generator, *, even: bool = False) -> Sighting:
        """Draw outcomes, as they come or evenly over the tasks, with what `side` says of their prompts."""
        at = drawn(self.corpus, self.draws, random, even=even)
        column = np.searchsorted(self.known, self.corpus.subject)
        return sighting(self.corpus, at, column, self.beliefs, side.traits, side.strange)


def choose(weights: Doubles, ordinary: Sighting, even: Sighting, left_out: Sighting) -> Doubt:
    """Return the doubts that are best on left-out kinds and cost little on known ones.

    `weights` tell the two apart when both are equally frequent.
    Known text is far more frequent, hence the offset and the weight of its loss.
    """

    def total(doubt: Doubt) -> float:
        return 2.0 * ordinary.loss(doubt) + 0.5 * even.loss(doubt) + 0.5 * left_out.loss(doubt)

    first = np.eye(len(weights))[0]
    choices = [
        Doubt(weights=steep * weights + offset * first, kept=kept, shift=shift)
        for steep, offset, kept, shift in product(STEEPNESS, OFFSETS.tolist(), KEPT, SHIFTS)
    ]
    return min(choices, key=total)
