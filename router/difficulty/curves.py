"""What routing by predictions costs and is worth, beside mixes of single models and a perfect router.

Costs are shares of the best single model's; models that cost more than it are left out.
"""

from dataclasses import dataclass

import numpy as np

from router.difficulty.hierarchy import Doubles

STEPS = 101
"""Costs, from the cheapest model's to the best one's, at which qualities are compared."""

RATES = np.concatenate(([0.0], np.geomspace(1e-4, 1e4, 400)))
RATES.flags.writeable = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A ladder's prompts: scores (n, rungs) and costs (rungs,) of all models up to the best, and the grid."""

    kept: Doubles
    score: Doubles
    cost: Doubles
    grid: Doubles
    mix: Doubles
    oracle: Doubles

    @property
    def weak(self) -> float:
        return float(self.mix[0])

    @property
    def best(self) -> float:
        """The quality of the best single model."""
        return float(self.score.mean(0).max())


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A router on a ladder.

    `closed`: the share of the gap between the best random mix and a perfect router that is closed.
    `apgr`: the share of the gap between cheapest and best model that is recovered, the mean over all costs.
    `cpt50`, `cpt80`: how far from the cheapest to the best model's cost one must go to recover so much of it.
    `cost95`, `cost98`, `cost100`: the cost of so much of the best model's quality; infinite: never reached.
    """

    closed: float
    apgr: float
    cpt50: float
    cpt80: float
    cost95: float
    cost98: float
    cost100: float


def ground(score: Doubles, cost: Doubles) -> Ground:
    """Lay out a ladder: scores (n, rungs), costs (rungs,) in any unit."""
    best = int(np.argmax(score.mean(0)))
    kept = cost <= cost[best]
    score, cost = score[:, kept], cost[kept] / cost[best]
    grid = np.linspace(float(cost.min()), 1.0, STEPS)
    return Ground(
        kept=kept,
        score=score,
        cost=cost,
        grid=grid,
        mix=np.interp(grid, *_hull(cost, score.mean(0))),
        oracle=np.interp(grid, *_curve(score, score, cost)),
    )


def course(value: Doubles, on: Ground) -> Doubles:
    """Return a router's quality at every cost of the grid, for its values (n, rungs)."""
    return np.interp(on.grid, *_curve(value[:, on.kept], on.score, on.cost))


def figures(quality: Doubles, on: Ground) -> Routed:
    """Judge a course (of a router, of the mix, of the oracle)."""
    room = float((on.oracle - on.mix).sum())
    span = on.best - on.weak
    recovered = (quality - on.weak) / span if span > 0 else np.full(STEPS, np.nan)
    return Routed(
        closed=float((quality - on.mix).sum()) / room if room > 0 else float("nan"),
        apgr=float(recovered.mean()),
        cpt50=_reaching(np.linspace(0.0, 1.0, STEPS), recovered, 0.5),
        cpt80=_reaching(np.linspace(0.0, 1.0, STEPS), recovered, 0.8),
        cost95=_reaching(on.grid, quality, 0.95 * on.best),
        cost98=_reaching(on.grid, quality, 0.98 * on.best),
        cost100=_reaching(on.grid, quality, on.best - 1e-9),
    )


def routed(value: Doubles, score: Doubles, cost: Doubles) -> Routed:
    """Judge a router by its values (n, rungs)."""
    on = ground(score, cost)
    return figures(course(value, on), on)


def _curve(value: Doubles, score: Doubles, cost: Doubles) -> tuple[Doubles, Doubles]:
    """Return mean cost and quality of taking the most value less price for each prompt, at every rate."""
    ordered = np.argsort(cost)
    points = []
    for rate in RATES / float(cost.max()):
        # The cheaper of equals: argmax takes the first.
        chosen = ordered[np.argmax((value - rate * cost)[:, ordered], axis=1)]
        points.append((cost[chosen].mean(), score[np.arange(len(score)), chosen].mean()))
    ends = [(cost.min(), score[:, int(np.argmin(cost))].mean())]
    if not np.any(np.isclose([point[0] for point in points], cost.max())):
        best = int(np.argmax(score.mean(0)))
        ends.append((cost[best], score[:, best].mean()))
    found = np.array(sorted(points + ends))
    return found[:, 0], found[:, 1]


def _hull(cost: Doubles, quality: Doubles) -> tuple[Doubles, Doubles]:
    """Return the best that random mixes of single models reach: the upper hull of their points."""
    hull: list[tuple[float, float]] = []
    for point in sorted(zip(cost.tolist(), quality.tolist(), strict=True)):
        while len(hull) > 1 and _right_of(hull[-2], hull[-1], point):
            hull.pop()
        if not hull or point[1] > hull[-1][1]:
            hull.append(point)
    found = np.array(hull)
    return found[:, 0], found[:, 1]


def _right_of(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    return (middle[1] - first[1]) * (last[0] - first[0]) <= (last[1] - first[1]) * (middle[0] - first[0])


def _reaching(grid: Doubles, quality: Doubles, wanted: float) -> float:
    enough = np.flatnonzero(quality >= wanted)
    return float(grid[enough[0]]) if len(enough) else float("inf")
