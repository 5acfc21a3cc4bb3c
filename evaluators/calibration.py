"""From scores to chances, and from outcomes to thresholds with a stated risk.

- `Calibrator`: what share of the answers with such a score were right.
- `upper_bound`, `examples_needed`: how high a failure rate may be after so many failures
  (Clopper and Pearson).
- `doubt`, `share_ahead`: the same of the answers that come next, which is what people see:
  it may be bad luck that more of them fail than their rate says.
- `propose` and `keeps`: a threshold with a stated risk. One is proposed where the scores were learnt, and
  tested once on outcomes that had no part in that (split and test: Learn-then-Test with a sequence of one;
  Angelopoulos and others, 2021, arXiv 2110.01052), so that nothing needs a correction for many tries.
- `Audit`: a bound that holds at every look, however often one looks (Robbins' mixture martingale).

The guarantee is for outcomes that are drawn like those it was calibrated on: when traffic changes it is void,
and an audit is what notices.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

ENOUGH_FOR_STEPS = 50
"""Examples from which on a step function is fitted; with fewer, a curve with two parameters."""

PRECISION = 1e-10


def binomial_tail(failures: int, count: int, rate: float) -> float:
    """The chance of at most so many failures among `count` at a failure rate of `rate`."""
    if failures >= count or rate <= 0.0:
        return 1.0
    if failures < 0 or rate >= 1.0:
        return 0.0
    chosen = np.arange(1, failures + 1, dtype=float)
    ways = np.concatenate([[0.0], np.cumsum(np.log(count - chosen + 1) - np.log(chosen))])
    lost = np.arange(failures + 1)
    logs = ways + lost * math.log(rate) + (count - lost) * math.log1p(-rate)
    top = float(logs.max())
    return min(1.0, math.exp(top) * float(np.exp(logs - top).sum()))


def doubt(failures: int, count: int, rate: float, ahead: int) -> float:
    """The most likely it is to see so few failures among `count`, and then more than `rate` of `ahead`.

    Both are taken to be drawn alike, in any order: given how many fail in all, those that were seen are
    drawn without replacement (the hypergeometric distribution), whatever the true rate is.
    So a promise that is made where this is at most 0.05 is broken in at most 5 % of all cases, by answers
    that are failures and by chance taken together. Far ahead it is `binomial_tail`.
    """
    if failures >= count or ahead < 1:
        return 1.0
    broken = math.floor(rate * ahead + PRECISION) + 1  # the fewest failures that break the promise
    if broken > ahead:
        return 0.0
    total, every = failures + broken, count + ahead
    least = max(0, total - ahead)
    logs = np.array(
        [_ways(total, k) + _ways(every - total, count - k) for k in range(least, failures + 1)]
    ) - _ways(every, count)
    return min(1.0, float(np.exp(logs).sum()))


def _ways(of: int, chosen: int) -> float:
    """The log of the number of ways to choose so many."""
    return math.lgamma(of + 1) - math.lgamma(chosen + 1) - math.lgamma(of - chosen + 1)


def share_ahead(failures: int, count: int, ahead: int, confidence: float) -> float:
    """What share of the next `ahead` answers fails at most, after `failures` of `count`."""
    low, high = -1, ahead  # failures that may still be exceeded; failures that are not
    while high - low > 1:
        middle = (low + high) // 2
        exceeded = doubt(failures, count, middle / ahead, ahead) > 1.0 - confidence
        low, high = (middle, high) if exceeded else (low, middle)
    return high / ahead


def upper_bound(failures: int, count: int, confidence: float) -> float:
    """The highest failure rate that is still credible after `failures` of `count` (Clopper and Pearson).

    The true rate is below it with probability `confidence`, whatever it is.
    """
    if failures >= count:
        return 1.0
    low, high = failures / count, 1.0
    while high - low > PRECISION:
        middle = (low + high) / 2
        if binomial_tail(failures, count, middle) > 1.0 - confidence:
            low = middle
        else:
            high = middle
    return high


def examples_needed(rate: float, confidence: float, *, expected: float = 0.0) -> int:
    """How many outcomes bound the failure rate by `rate`, if `expected` of them are failures (< `rate`)."""
    if expected >= rate:
        raise ValueError("no number of examples shows a failure rate to be below what it is")
    low, high = 0, 1
    while not _shows(rate, confidence, high, expected):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _shows(rate, confidence, middle, expected) else (middle, high)
    return high


def _shows(rate: float, confidence: float, count: int, expected: float) -> bool:
    return binomial_tail(math.ceil(expected * count), count, rate) <= 1.0 - confidence


def propose(
    learnt: tuple[Doubles, NDArray[np.bool_]],
    proving: Doubles,
    ahead: Doubles,
    *,
    max_failure_rate: float,
    confidence: float,
    grid: Sequence[float] | Doubles,
) -> float | None:
    """Guess the loosest threshold that `keeps` will hold for; `None`: none has a chance.

    `learnt` are scores and failures that scores may have been learnt from; of the answers to prove it on and
    of those `ahead` only the scores are looked at, never how they ended.
    """
    scores, ended = learnt
    found = None
    for threshold in map(float, grid):
        passed = scores >= threshold
        count, coming = int((proving >= threshold).sum()), int((ahead >= threshold).sum())
        if not passed.any() or not coming or (found is not None and threshold >= found):
            continue
        likely = float(ended[passed].mean()) * count
        # Half a standard error more than is expected: a proposal that fails is worth nothing.
        failures = math.ceil(likely + math.sqrt(likely) / 2)
        if failures > max_failure_rate * count:
            continue
        if doubt(failures, count, max_failure_rate, coming) <= 1.0 - confidence:
            found = threshold
    return found


def keeps(
    scores: Doubles,
    failed: NDArray[np.bool_],
    ahead: Doubles,
    *,
    threshold: float,
    max_failure_rate: float,
    confidence: float,
) -> bool:
    """Tell whether those `ahead` (scores) that reach `threshold` will keep within the rate.

    `scores` and `failed` are outcomes that had no part in making scores or threshold.
    Wrong with a probability of at most 1 - `confidence`, if all are drawn alike.
    """
    passed = scores >= threshold
    failures, count, coming = int(failed[passed].sum()), int(passed.sum()), int((ahead >= threshold).sum())
    return doubt(failures, count, max_failure_rate, coming) <= 1.0 - confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What audits of accepted answers have found so far.

    Its bounds hold at all times at once: one may look after every audit and act on what one sees.
    """

    count: int = 0
    failures: int = 0

    def after(self, *, failed: bool) -> "Audit":
        return Audit(count=self.count + 1, failures=self.failures + failed)

    def upper(self, confidence: float) -> float:
        """What the failure rate is below, at all times, with probability `confidence`."""
        return self._edge(confidence, self.failures / self.count, 1.0) if self.count else 1.0

    def lower(self, confidence: float) -> float:
        """What the failure rate is above: more than what was promised is a breach."""
        return self._edge(confidence, self.failures / self.count, 0.0) if self.count else 0.0

    def _edge(self, confidence: float, inside: float, outside: float) -> float:
        """Where the evidence against a rate becomes 1 / (1 - confidence), between its least and the end."""
        most = -math.log1p(-confidence)
        while abs(outside - inside) > PRECISION:
            middle = (inside + outside) / 2
            if self._evidence(middle) < most:
                inside = middle
            else:
                outside = middle
        return outside

    def _evidence(self, rate: float) -> float:
        """The log of the martingale: a uniform mixture of all rates, as a bet against this one."""
        passes = self.count - self.failures
        mixture = math.lgamma(self.failures + 1) + math.lgamma(passes + 1) - math.lgamma(self.count + 2)
        if (rate <= 0.0 and self.failures) or (rate >= 1.0 and passes):
            return math.inf
        own = (self.failures * math.log(rate) if self.failures else 0.0) + (
            passes * math.log1p(-rate) if passes else 0.0
        )
        return mixture - own


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrator:
    """Turns a score into a chance of being right, by points with straight lines between them."""

    scores: tuple[float, ...]
    chances: tuple[float, ...]

    def __call__(self, score: float) -> float:
        return float(np.interp(score, self.scores, self.chances))

    @staticmethod
    def fit(scores: Sequence[float] | Doubles, right: Sequence[float] | Doubles) -> "Calibrator":
        """Learn from outcomes (right: 1, wrong: 0); monotone: a better score is never a lesser chance.

        No chance is 0 or 1: two made-up outcomes, one of each, are added.
        """
        given, ended = np.asarray(scores, float), np.asarray(right, float)
        if not len(given):
            return Calibrator(scores=(0.0,), chances=(0.5,))
        if len(given) < ENOUGH_FOR_STEPS or ended.min() == ended.max():
            return _curve(given, ended)
        return _steps(given, ended)


def _curve(scores: Doubles, right: Doubles) -> Calibrator:
    """Platt's: a logistic curve, its targets drawn in a little, its slope never negative."""
    good = float(right.sum())
    bad = len(right) - good
    targets = np.where(right > 0, (good + 1) / (good + 2), 1 / (bad + 2))
    weights = logistic(scores[:, None], targets, ridge=1.0)
    slope, shift = max(0.0, float(weights[0])), float(weights[1])
    if slope == 0.0:
        mean = (good + 1) / (len(right) + 2)
        shift = math.log(mean / (1 - mean))
    at = np.linspace(min(0.0, scores.min()), max(1.0, scores.max()), 33)
    chances = 1 / (1 + np.exp(-(slope * at + shift)))
    return Calibrator(scores=tuple(at.tolist()), chances=tuple(chances.tolist()))


def _steps(scores: Doubles, right: Doubles) -> Calibrator:
    """Isotonic regression: neighbours that are out of order are pooled."""
    order = np.argsort(scores, kind="stable")
    pools: list[list[float]] = []  # sum of scores, sum of outcomes, count
    for score, outcome in zip(scores[order].tolist(), right[order].tolist(), strict=True):
        pools.append([score, outcome, 1.0])
        while len(pools) > 1 and pools[-2][1] * pools[-1][2] >= pools[-1][1] * pools[-2][2]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    mean = (float(right.sum()) + 1) / (len(right) + 2)
    at = [total / count for total, _, count in pools]
    chances = [(good + mean) / (count + 1) for _, good, count in pools]
    return Calibrator(scores=tuple(at), chances=tuple(np.maximum.accumulate(chances).tolist()))


def logistic(features: Doubles, targets: Doubles, *, ridge: float = 1.0, rounds: int = 25) -> Doubles:
    """Fit weights (features, then the constant) by Newton's method; the constant is not drawn to zero."""
    table = np.column_stack([features, np.ones(len(features))])
    pull = np.full(table.shape[1], ridge)
    pull[-1] = 1e-6
    weights = np.zeros(table.shape[1])
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(table @ weights, -30, 30)))
        slope = table.T @ (chance - targets) + pull * weights
        bend = (table * (chance * (1 - chance))[:, None]).T @ table + np.diag(pull)
        step = np.linalg.solve(bend, slope)
        weights -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    return weights
