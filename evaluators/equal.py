"""What a way to answer costs at equal quality: beside the best single model, and beside a random mix.

Intervals are drawn by groups of prompts that are much alike, and everything is reckoned anew in every draw:
which model is best, which mix is cheapest, and what the way came to.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluators.climbing import Interval
from evaluators.records import Doubles

DRAWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Versus:
    """One way on one ladder.

    `quality` is in points (0.01 of the score) beside the best single model's, `cost` a share of its cost.
    `mix` is the cost as a share of that of the cheapest random mix of single models of the same quality
    (of the best single model, if the way is better than it): below one, it is cheaper at equal quality.
    `gain` are points of quality beside the best mix of the same cost.
    """

    quality: Interval
    cost: Interval
    mix: Interval
    gain: Interval


def versus(
    score: Doubles,
    cost: Doubles,
    way_score: Doubles,
    way_cost: Doubles,
    group: NDArray[np.str_],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Versus:
    """Hold a way (n,) against single models (n, models) on the same prompts."""
    names, belongs = np.unique(group, return_inverse=True)
    columns = np.column_stack([np.ones(len(belongs)), way_score, way_cost, score, cost])
    sums = np.zeros((len(names), columns.shape[1]))
    np.add.at(sums, belongs, columns)
    random = np.random.default_rng(seed)
    drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    weights = np.vstack([np.ones(len(names)), drawn])
    figures = np.array([_figures(one @ sums, score.shape[1]) for one in weights])
    low, high = np.quantile(figures[1:], (0.025, 0.975), axis=0)
    return Versus(
        **{
            name: Interval(value=float(figures[0, at]), low=float(low[at]), high=float(high[at]))
            for at, name in enumerate(("quality", "cost", "mix", "gain"))
        }
    )


def _figures(sums: Doubles, models: int) -> tuple[float, float, float, float]:
    means = sums[1:] / sums[0]
    quality, spent = float(means[0]), float(means[1])
    scores, costs = means[2 : 2 + models], means[2 + models :]
    best = int(np.argmax(scores))
    hull_cost, hull_score = hull(costs, scores)
    equal = float(np.interp(quality, hull_score, hull_cost))
    reached = float(np.interp(spent, hull_cost, hull_score))
    return (
        100 * (quality - float(scores[best])),
        spent / float(costs[best]),
        spent / equal,
        100 * (quality - reached),
    )


def hull(costs: Doubles, scores: Doubles) -> tuple[Doubles, Doubles]:
    """Costs and scores, both rising, of the single models between which the best random mixes lie."""
    points: list[tuple[float, float]] = []
    for cost, score in sorted(zip(costs.tolist(), scores.tolist(), strict=True)):
        if points and score <= points[-1][1]:
            continue
        while len(points) > 1 and _below(points[-2], points[-1], (cost, score)):
            points.pop()
        points.append((cost, score))
    found = np.array(points)
    return found[:, 0], found[:, 1]


def _below(left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]) -> bool:
    return (middle[1] - left[1]) * (right[0] - left[0]) <= (right[1] - left[1]) * (middle[0] - left[0])
