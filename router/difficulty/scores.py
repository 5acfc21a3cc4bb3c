"""How good predictions are: sharpness, calibration, order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from router.difficulty.corpus import Labels, Places
from router.difficulty.hierarchy import Doubles

BINS = 15
LEAST_CELL = 30
"""Outcomes a (model, data set) needs, and LEAST_CLASS good and bad ones, for its order to be looked at."""
LEAST_CLASS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Outcomes beside what was predicted; `model` and `dataset` name the cells, `group` what is resampled."""

    chance: Doubles
    score: Doubles
    model: Places
    dataset: Labels
    group: Labels

    def at(self, places: Places) -> "Judged":
        return Judged(
            chance=self.chance[places],
            score=self.score[places],
            model=self.model[places],
            dataset=self.dataset[places],
            group=self.group[places],
        )


def log_loss(judged: Judged) -> float:
    chance = np.clip(judged.chance, 1e-6, 1.0 - 1e-6)
    return float(-np.mean(judged.score * np.log(chance) + (1.0 - judged.score) * np.log(1.0 - chance)))


def brier(judged: Judged) -> float:
    return float(np.mean((judged.score - judged.chance) ** 2))


def calibration_error(judged: Judged) -> float:
    """Return the mean distance between predicted and found in bins of equal width, weighted by their size."""
    place = np.minimum((judged.chance * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(place, judged.score - judged.chance, BINS)).sum() / len(judged.score))


def auc(chance: Doubles, score: Doubles) -> float:
    """Return how often a good outcome (half a score or more) was rated over a bad one; NaN with too few."""
    good = score >= 0.5
    goods, bads = int(good.sum()), int((~good).sum())
    if goods < LEAST_CLASS or bads < LEAST_CLASS:
        return float("nan")
    ranks = rankdata(chance)
    return float((ranks[good].sum() - goods * (goods + 1) / 2) / (goods * bads))


def pooled_auc(judged: Judged) -> float:
    return auc(judged.chance, judged.score)


def model_auc(judged: Judged) -> float:
    """Return the mean AUC over models with 50 outcomes or more."""
    found = [auc(judged.chance[at], judged.score[at]) for at in _cells(judged.model) if len(at) >= 50]
    return _mean(found)


def within_auc(judged: Judged) -> float:
    """Return the mean AUC over (model, data set) cells: what is told beyond recognising the benchmark."""
    _, dataset = np.unique(judged.dataset, return_inverse=True)
    cells = _cells(judged.model * (int(dataset.max(initial=0)) + 1) + dataset)
    return _mean([auc(judged.chance[at], judged.score[at]) for at in cells if len(at) >= LEAST_CELL])


MEASURES: Mapping[str, Callable[[Judged], float]] = {
    "log loss": log_loss,
    "Brier": brier,
    "ECE": calibration_error,
    "AUC pooled": pooled_auc,
    "AUC per model": model_auc,
    "AUC within": within_auc,
}


def _cells(labels: NDArray[np.integer]) -> list[Places]:
    order = np.argsort(labels, kind="stable")
    edges = np.flatnonzero(np.diff(labels[order])) + 1
    return [cell for cell in np.split(order, edges) if len(cell)]


def _mean(values: list[float]) -> float:
    kept = [value for value in values if not np.isnan(value)]
    return float(np.mean(kept)) if kept else float("nan")


def interval(
    measure: Callable[[Places], float], group: Labels, draws: int, random: np.random.Generator
) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a measure of rows, whole groups drawn with replacement."""
    _, belongs = np.unique(group, return_inverse=True)
    members = _cells(belongs)
    found = []
    for _ in range(draws):
        drawn = random.integers(0, len(members), len(members))
        found.append(measure(np.concatenate([members[one] for one in drawn])))
    low, high = np.nanpercentile(found, [2.5, 97.5]) if not np.all(np.isnan(found)) else (np.nan, np.nan)
    return float(low), float(high)
