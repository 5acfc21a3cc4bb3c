"""What is learnt from the arms: routing against each model alone, and against chance at the same spend."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.commands.demo.arms import Arm

RESAMPLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Right answers of routing less those of the best random mix of single models at the same spend.

    `low` and `high` bound 95 % of the bootstrap over prompts; `weights` are the mix, by model.
    """

    mix_right: float
    weights: dict[str, float]
    difference: float
    low: float
    high: float


def best_mix(costs: Sequence[float], rights: Sequence[float], spend: float) -> tuple[float, dict[int, float]]:
    """Find the most right answers a random mix of single models can expect for `spend`, and its weights.

    The best mix is one model or two: the upper hull of (cost, right) at `spend`, in closed form.
    Where even the cheapest model costs more than `spend` it is taken all the same, in favour of the mix.
    """
    cheapest = min(range(len(costs)), key=lambda i: (costs[i], -rights[i]))
    best, weights = rights[cheapest], {cheapest: 1.0}
    for i, low in enumerate(costs):
        if low > spend:
            continue
        if rights[i] > best:
            best, weights = rights[i], {i: 1.0}
        for j, high in enumerate(costs):
            if high > spend:
                share = (spend - low) / (high - low)
                mixed = (1 - share) * rights[i] + share * rights[j]
                if mixed > best:
                    best, weights = mixed, {i: 1 - share, j: share}
    return best, weights


def compare(routed: Arm, singles: Sequence[Arm], *, seed: int) -> Comparison:
    """Compare routing with the best mix, prompts resampled for the interval."""
    costs = np.array([arm.costs for arm in (routed, *singles)], dtype=float)
    right = np.array([arm.right for arm in (routed, *singles)], dtype=float)
    mix, weights = best_mix(costs[1:].sum(axis=1), right[1:].sum(axis=1), costs[0].sum())
    draws = np.random.default_rng(seed).integers(0, costs.shape[1], size=(RESAMPLES, costs.shape[1]))
    differences = []
    for draw in draws:
        spent, got = costs[:, draw].sum(axis=1), right[:, draw].sum(axis=1)
        differences.append(got[0] - best_mix(spent[1:], got[1:], spent[0])[0])
    low, high = np.percentile(differences, [2.5, 97.5])
    return Comparison(
        mix_right=float(mix),
        weights={singles[index].name: float(weight) for index, weight in weights.items()},
        difference=float(right[0].sum() - mix),
        low=float(low),
        high=float(high),
    )


def strongest(singles: Sequence[Arm]) -> Arm:
    """Pick the model that is right most often; of equals, the cheaper."""
    return max(singles, key=lambda arm: (sum(arm.right), -arm.spend))
