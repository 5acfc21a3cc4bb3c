"""What a cascade is worth: routing before the answer, and checking after it, at equal cost.

The classifier has seen the train split, so all of this is on the validation split, crossed:
how signals become chances, and which thresholds a budget buys, is learnt on four fifths of the groups of
prompts and measured on the fifth that had no part in it, five times. Intervals are drawn by groups.
A plan may toss a coin between two ways, so that any budget between two costs can be spent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluators.calibration import logistic
from evaluators.records import Doubles
from evaluators.trials import Trial

Flags = NDArray[np.bool_]

BUDGETS = np.linspace(0.1, 1.0, 10)
"""Budgets, as shares of the way from the cheap model's cost to the strong one's."""

PLANS = ("routing", "cascade")

AIMS = (0.95, 1.0)
"""Shares of the best single model's quality whose price is asked."""

FOLDS = 5

CUTS = 30
"""Thresholds that are tried of each kind."""

AHEAD = 6
"""Of these, those tried before the answer in a cascade."""

DRAWS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to serve every prompt: its score (n) and its cost (n)."""

    score: Doubles
    cost: Doubles

    def take(self, other: "Way", where: Flags) -> None:
        """Take over another way's prompts."""
        self.score[where] = other.score[where]
        self.cost[where] = other.cost[where]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A quality that was aimed at: its cost, as a share of the best single model's, and what came of it.

    `kept` is the quality as a share of the best single model's; `mix` is the cost share of the mix that keeps
    as much.
    """

    cost: Interval
    kept: Interval
    mix: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One ladder's result; gains are in points of quality (0.01 of the score).

    `routing` and `cascade` are gains over the mix of the same cost, `beyond` the cascade's over routing,
    each the mean over `BUDGETS`.
    `best_...` are gains over the best single model at no more than its cost.
    `reached` says, by plan and share of the best single model's quality, what that costs.
    """

    name: str
    prompts: int
    small: float
    large: float
    cost_ratio: float
    routing: Interval
    cascade: Interval
    beyond: Interval
    best_routing: Interval
    best_cascade: Interval
    reached: Mapping[str, Reached]
    curve: tuple[tuple[str, float, float], ...] = ()


def compare(trial: Trial, chances: Doubles, *, seed: int = 0) -> Comparison:
    """Measure one ladder; `chances` (n, 2) are what the classifier expected of both rungs."""
    measured = _Measured(trial, seed)
    bought, aimed = _crossed(trial, chances, seed)
    gains = {name: [measured.over_mix(way) for way in ways] for name, ways in bought.items()}
    routing, cascade = (np.mean(gains[name], axis=0) for name in PLANS)
    return Comparison(
        name=trial.pair.name,
        prompts=len(trial.prompts),
        small=float(trial.small.mean()),
        large=float(trial.large.mean()),
        cost_ratio=float(trial.large_cost.mean() / trial.small_cost.mean()),
        routing=_interval(100 * routing),
        cascade=_interval(100 * cascade),
        beyond=_interval(100 * (cascade - routing)),
        best_routing=_interval(100 * measured.over_best(bought["routing"][-1])),
        best_cascade=_interval(100 * measured.over_best(bought["cascade"][-1])),
        reached={f"{name} {aim:.0%}": measured.reached(way) for (name, aim), way in sorted(aimed.items())},
        curve=tuple(measured.curve(bought)),
    )


def _crossed(
    trial: Trial, chances: Doubles, seed: int
) -> tuple[dict[str, list[Way]], dict[tuple[str, float], Way]]:
    """What each budget buys, and what aims at a share of the best single model's quality, fold by fold."""
    sure = np.clip(chances, 1e-4, 1 - 1e-4)
    before = np.log(sure / (1 - sure))
    names, belongs = np.unique(trial.group, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(len(names))[belongs] % FOLDS
    bought = {name: [_blank(trial) for _ in BUDGETS] for name in PLANS}
    aimed = {(name, aim): _blank(trial) for name in PLANS for aim in AIMS}
    plain = [Way(score=trial.small, cost=trial.small_cost), Way(score=trial.large, cost=trial.large_cost)]
    for held in (fold == one for one in range(FOLDS)):
        known = ~held
        routes = [*plain, *_routes(trial, known, _gain(trial, known, before, trial.small))]
        for name, ways in zip(PLANS, (routes, [*routes, *_climbs(trial, known, before)]), strict=True):
            hull = _hull(known, ways)
            for whole, way in zip(bought[name], _bought(trial, known, hull), strict=True):
                whole.take(way, held)
            for aim in AIMS:
                aimed[name, aim].take(_aimed(trial, known, hull, aim), held)
    return bought, aimed


def _blank(trial: Trial) -> Way:
    return Way(score=np.zeros(len(trial.prompts)), cost=np.zeros(len(trial.prompts)))


def _gain(trial: Trial, known: Flags, signals: Doubles, answered: Doubles) -> Doubles:
    """How much better the strong model is expected to do than the cheap answer, given signals (n, k)."""
    scale = signals[known].std(axis=0) + 1e-9
    table = signals / scale
    chance = []
    for score in (answered, trial.large):
        weights = logistic(table[known], score[known], ridge=3.0)
        chance.append(1 / (1 + np.exp(-(table @ weights[:-1] + weights[-1]))))
    return np.asarray(chance[1] - chance[0], float)


def _cuts(values: Doubles, count: int) -> Doubles:
    return np.unique(np.quantile(values, np.linspace(0, 1, count + 1)))


def _routes(trial: Trial, known: Flags, gain: Doubles) -> Iterator[Way]:
    for cut in _cuts(gain[known], CUTS):
        up = gain >= cut
        yield Way(
            score=np.where(up, trial.large, trial.small),
            cost=np.where(up, trial.large_cost, trial.small_cost),
        )


def _climbs(trial: Trial, known: Flags, before: Doubles) -> Iterator[Way]:
    """Send what looks hard straight to the strong model, check the rest, and climb where a check says so."""
    answered = trial.small if trial.majority is None else trial.majority
    ahead = _gain(trial, known, before, answered)
    straights = [
        np.zeros(len(ahead), bool),
        *(ahead >= cut for cut in _cuts(ahead[known], AHEAD)[1:-1]),
    ]
    for option in trial.options:
        after = _gain(trial, known, np.column_stack([before, option.signals]), answered)
        tried = trial.small_cost + option.cost
        for straight in straights:
            for cut in _cuts(after[known & ~straight], CUTS):
                climb = after >= cut
                yield Way(
                    score=np.where(straight | climb, trial.large, answered),
                    cost=np.where(straight, trial.large_cost, tried + np.where(climb, trial.large_cost, 0)),
                )


def _hull(known: Flags, ways: Sequence[Way]) -> list[Way]:
    """The ways that are best on known prompts for some budget, by rising cost (the upper hull)."""
    points = [(float(way.cost[known].mean()), float(way.score[known].mean())) for way in ways]
    hull: list[int] = []
    for at in sorted(range(len(points)), key=lambda at: (points[at][0], -points[at][1])):
        if hull and points[at][1] <= points[hull[-1]][1]:
            continue
        while len(hull) > 1 and _below(points[hull[-2]], points[hull[-1]], points[at]):
            hull.pop()
        hull.append(at)
    return [ways[at] for at in hull]


def _below(left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]) -> bool:
    slope = (right[1] - left[1]) * (middle[0] - left[0])
    return (middle[1] - left[1]) * (right[0] - left[0]) <= slope


def _tossed(first: Way, second: Way, share: float) -> Way:
    return Way(
        score=(1 - share) * first.score + share * second.score,
        cost=(1 - share) * first.cost + share * second.cost,
    )


def _bought(trial: Trial, known: Flags, hull: Sequence[Way]) -> list[Way]:
    """What each budget buys, by the costs and scores of known prompts."""
    costs = np.array([way.cost[known].mean() for way in hull])
    low, high = trial.small_cost[known].mean(), trial.large_cost[known].mean()
    return [_at(hull, costs, budget) for budget in low + BUDGETS * (high - low)]


def _aimed(trial: Trial, known: Flags, hull: Sequence[Way], aim: float) -> Way:
    """The cheapest way that keeps so much of the best single model's quality on known prompts."""
    scores = np.array([way.score[known].mean() for way in hull])
    best = max(trial.small[known].mean(), trial.large[known].mean())
    return _at(hull, scores, aim * best - 1e-12)


def _at(hull: Sequence[Way], figures: Doubles, wanted: float) -> Way:
    """Toss a coin between the neighbours of `wanted` among the hull's rising figures."""
    place = int(np.searchsorted(figures, wanted, side="right"))
    if place in {0, len(hull)}:
        return hull[max(0, place - 1)]
    share = float((wanted - figures[place - 1]) / (figures[place] - figures[place - 1]))
    return _tossed(hull[place - 1], hull[place], share)


class _Measured:
    """Means over validation prompts, and over `DRAWS` resamples of their groups: (1 + draws,)."""

    def __init__(self, trial: Trial, seed: int) -> None:
        _, self._group = np.unique(trial.group, return_inverse=True)
        groups = int(self._group.max()) + 1
        random = np.random.default_rng(seed)
        drawn = random.multinomial(groups, np.full(groups, 1 / groups), size=DRAWS)
        self._weights = np.vstack([np.ones(groups), drawn])
        self._count = self._weights @ np.bincount(self._group, minlength=groups)
        self._small, self._large = self._mean(trial.small), self._mean(trial.large)
        self._low, self._high = self._mean(trial.small_cost), self._mean(trial.large_cost)

    def _mean(self, values: Doubles) -> Doubles:
        sums = np.bincount(self._group, weights=values, minlength=self._weights.shape[1])
        return np.asarray(self._weights @ sums / self._count, float)

    def over_mix(self, way: Way) -> Doubles:
        """Gain over tossing a coin between the two models at the same cost."""
        share = (self._mean(way.cost) - self._low) / (self._high - self._low)
        mixed = self._small + np.clip(share, 0, 1) * (self._large - self._small)
        return self._mean(way.score) - mixed

    def over_best(self, way: Way) -> Doubles:
        return self._mean(way.score) - np.maximum(self._small, self._large)

    def reached(self, way: Way) -> Reached:
        best = np.maximum(self._small, self._large)
        cost = np.where(self._large >= self._small, self._high, self._low)
        score = self._mean(way.score)
        climbed = np.clip((score - self._small) / (self._large - self._small), 0, 1)
        mixed = self._low + climbed * (self._high - self._low)
        return Reached(
            cost=_interval(self._mean(way.cost) / cost),
            kept=_interval(score / best),
            mix=_interval(mixed / cost),
        )

    def curve(self, bought: dict[str, list[Way]]) -> Iterator[tuple[str, float, float]]:
        yield ("single model", float(self._low[0]), float(self._small[0]))
        yield ("single model", float(self._high[0]), float(self._large[0]))
        for name, ways in bought.items():
            for way in ways:
                yield (name, float(self._mean(way.cost)[0]), float(self._mean(way.score)[0]))


def _interval(values: NDArray[np.floating]) -> Interval:
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return Interval(value=float(values[0]), low=float(low), high=float(high))
