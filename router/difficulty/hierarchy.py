"""Models as rows on one scale: each row is drawn from what is usual for models of its size, price and kind.

A row is (base, direction): the chance is sigmoid(row . (1, traits)).
Rows follow a normal distribution around a mean that depends on the model's facts.
So a model with few outcomes stays near what its facts say, and one with none is placed there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.difficulty.network import sigmoid

Doubles = NDArray[np.float64]

HALVINGS = 12
"""How often a step that leads downhill is halved before the row stays where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """A normal distribution over rows: mean (size,), spread (size, size)."""

    mean: Doubles
    spread: Doubles

    def at(self, level: float) -> "Belief":
        """Return the belief with its level known; the direction follows as it goes with the level."""
        along = self.spread[:, 0] / max(float(self.spread[0, 0]), 1e-9)
        return Belief(
            mean=self.mean + along * (level - self.mean[0]),
            spread=self.spread - np.outer(along, self.spread[0]),
        )


def posterior(
    prior: Belief, inputs: Doubles, scores: Doubles, *, weight: float = 1.0, rounds: int = 8
) -> Belief:
    """Return what is believed of a model after outcomes: inputs (n, size) with scores in [0, 1] (Laplace).

    `weight` below one tempers the outcomes: those that resemble each other tell less than independent ones.
    """
    precision = np.linalg.inv(prior.spread)

    def likely(row: Doubles) -> float:
        logits, off = inputs @ row, row - prior.mean
        return weight * float((scores * logits - np.logaddexp(0.0, logits)).sum()) - 0.5 * float(
            off @ precision @ off
        )

    row, reached = prior.mean.copy(), likely(prior.mean)
    curve = precision
    for _ in range(rounds):
        chances = sigmoid(inputs @ row).astype(np.float64)
        slope = weight * (inputs.T @ (scores - chances)) - precision @ (row - prior.mean)
        bend = weight * np.maximum(chances * (1.0 - chances), 1e-4)
        curve = precision + inputs.T @ (inputs * bend[:, None])
        step = np.linalg.solve(curve, slope)
        # From afar a full step can lead past the top, and the next back, for ever.
        for _ in range(HALVINGS):
            further = likely(row + step)
            if further >= reached:
                row, reached = row + step, further
                break
            step = 0.5 * step
    return Belief(mean=row, spread=np.linalg.inv(curve))


def together(
    priors: Sequence[Belief],
    shared: Belief,
    inputs: Sequence[Doubles],
    scores: Sequence[Doubles],
    rounds: int = 12,
) -> tuple[tuple[Belief, ...], Belief]:
    """Return what is believed of several models after outcomes of each, and of what they have in common.

    A model's row is its own part, which `priors` tell, plus a part that is the same for all (`shared`).
    """
    sure, common = [np.linalg.inv(prior.spread) for prior in priors], np.linalg.inv(shared.spread)
    own, joint = [prior.mean.copy() for prior in priors], shared.mean.copy()
    inverses: list[Doubles] = []
    curve = common
    for _ in range(rounds):
        curve, slope = common.copy(), -common @ (joint - shared.mean)
        inverses, slopes, bends = [], [], []
        for at, prior in enumerate(priors):
            chances = sigmoid(inputs[at] @ (own[at] + joint)).astype(np.float64)
            bend = inputs[at].T @ (inputs[at] * np.maximum(chances * (1.0 - chances), 1e-4)[:, None])
            told = inputs[at].T @ (scores[at] - chances)
            inverse = np.asarray(np.linalg.inv(sure[at] + bend), float)
            drawn = told - sure[at] @ (own[at] - prior.mean)
            curve += bend - bend @ inverse @ bend
            slope += told - bend @ inverse @ drawn
            inverses.append(inverse)
            slopes.append(drawn)
            bends.append(bend)
        step = np.linalg.solve(curve, slope)
        pace = min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-9))
        for at, inverse in enumerate(inverses):
            own[at] += pace * (inverse @ (slopes[at] - bends[at] @ step))
        joint += pace * step
    spread = np.linalg.inv(curve)
    after = []
    for at, inverse in enumerate(inverses):
        kept = inverse @ sure[at]
        after.append(Belief(mean=own[at] + joint, spread=inverse + kept @ spread @ kept.T))
    return tuple(after), Belief(mean=joint, spread=spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """What facts say of a row: mean = facts @ slopes, spread around it."""

    slopes: Doubles
    spread: Doubles

    def belief(self, facts: Doubles) -> Belief:
        return Belief(mean=facts @ self.slopes, spread=self.spread)


def trend(facts: Doubles, beliefs: list[Belief], weights: Doubles, *, ridge: float = 3.0) -> Trend:
    """Fit slopes of rows on facts, whose first column is one; the ridge spares that."""
    rows = np.array([belief.mean for belief in beliefs])
    penalty = ridge * np.eye(facts.shape[1])
    penalty[0, 0] = 1e-6
    weighted = facts * weights[:, None]
    slopes = np.linalg.solve(facts.T @ weighted + penalty, weighted.T @ rows)
    rest = rows - facts @ slopes
    scatter = (rest * weights[:, None]).T @ rest + np.einsum(
        "i,ijk->jk", weights, np.array([belief.spread for belief in beliefs])
    )
    size = rows.shape[1]
    # As if a few further models with little spread had been seen: keeps the matrix well-conditioned.
    spread = (scatter + 4.0 * 0.01 * np.eye(size)) / (weights.sum() + 4.0)
    return Trend(slopes=slopes, spread=spread)
