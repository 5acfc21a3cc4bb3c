"""Two ways to decide the same requests, in numbers: what is exact, what is expected, and how sure that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from router.simulating import Columns
from router.types import DOLLAR

CONFIDENT = 1.96
"""Half the width of a 95 % interval, in standard errors."""

ENOUGH = 30
"""Drawn requests with an outcome from which on they correct what was predicted."""

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A number, and half the width of its 95 % interval."""

    value: float
    half: float

    def written(self, scale: float = 1.0, digits: int = 4) -> dict[str, float]:
        """Give it for JSON."""
        low, high = self.value - self.half, self.value + self.half
        return {
            "value": round(self.value * scale, digits),
            "low": round(low * scale, digits),
            "high": round(high * scale, digits),
        }


def compared(columns: Columns, other: Columns | None = None) -> dict[str, Any]:
    """Compare what was recorded (or what `other` decides) with what these columns decide.

    Costs are sums in dollars. `cost.exact` is the share of requests whose cost is what was paid.
    """
    costs, stays = _costs(columns)
    before, chance_before, old = np.array(columns.paid), np.array(columns.chance_old), list(columns.old)
    if other is not None:
        at = {request: index for index, request in enumerate(other.ids)}
        order = [at[request] for request in columns.ids]
        before = _costs(other)[0][order]
        chance_before = np.array(other.chance_new)[order]
        old = [other.new[index] for index in order]
    served = np.array([name != "" for name in columns.new])
    flips = np.array([a != b for a, b in zip(old, columns.new, strict=True)])
    gain = np.array(columns.chance_new) - chance_before
    gain = gain[np.isfinite(gain)]
    return {
        "requests": len(columns.ids),
        "drawn_as_control": columns.drawn,
        "decided_with_this_configuration": columns.of_this,
        "of_these_decided_the_same": columns.reproduced,
        "flipped": int(flips.sum()),
        "refused": int((~served).sum()),
        "cost": {
            "before_usd": round(float(before.sum()) / DOLLAR, 6),
            "after_usd": round(float(costs.sum()) / DOLLAR, 6),
            "delta_usd": _sum(costs - before).written(1 / DOLLAR, 6),
            "exact": round(float(stays.mean()), 4) if len(stays) else 1.0,
        },
        "quality": {"predicted_delta": _mean(gain).written(), **_doubly_robust(columns)},
        "flips": _flips(columns.ids, columns.policies, old, columns.new, flips),
    }


def _costs(columns: Columns) -> tuple[Doubles, Flags]:
    """What each request costs as decided here, and whether that is what was paid."""
    paid, first = np.array(columns.paid), np.array(columns.first_cost)
    expected, rejected = np.array(columns.expected_old), np.array(columns.rejected, dtype=bool)
    old, new = np.array(columns.old), np.array(columns.new)
    stays = old == new
    costs = np.where(stays, paid, 0.0)
    overall = _experience(first, expected, rejected, paid)
    for name in set(new[~stays]) - {""}:
        mine = old == name
        ratio, climb = (
            _experience(first[mine], expected[mine], rejected[mine], paid[mine])
            if mine.sum() >= ENOUGH
            else overall
        )
        moved = (new == name) & ~stays
        costs[moved] = np.nan_to_num(np.array(columns.expected_new)[moved]) * ratio + climb
    return costs, stays


def _experience(first: Doubles, expected: Doubles, rejected: Flags, paid: Doubles) -> tuple[float, float]:
    """What first attempts cost of what was expected of them, and what climbs add on average."""
    both = np.isfinite(first) & np.isfinite(expected) & (expected > 0)
    ratio = float(first[both].sum() / expected[both].sum()) if both.any() else 1.0
    more = (paid - np.nan_to_num(first))[rejected]
    return ratio, float(more.sum() / len(first)) if len(first) else 0.0


def _doubly_robust(columns: Columns) -> dict[str, Any]:
    """Correct the predicted quality by outcomes of requests that were drawn, as far as there are any."""
    told, propensity = np.array(columns.told), np.array(columns.propensity)
    known = np.isfinite(told) & np.isfinite(propensity) & (propensity > 0)
    if known.sum() < ENOUGH:
        return {"drawn_with_outcome": int(known.sum())}
    chance_old, chance_new = np.array(columns.chance_old)[known], np.array(columns.chance_new)[known]
    agree = np.array([a == b for a, b in zip(columns.old, columns.new, strict=True)])[known]
    value = chance_new + np.where(agree, (told[known] - chance_old) / propensity[known], 0.0)
    return {
        "drawn_with_outcome": int(known.sum()),
        "doubly_robust": _mean(value[np.isfinite(value)]).written(),
    }


def _mean(values: Doubles) -> Interval:
    if len(values) < 2:
        return Interval(value=float(values.sum()) if len(values) else 0.0, half=math.inf)
    return Interval(
        value=float(values.mean()), half=CONFIDENT * float(values.std(ddof=1)) / math.sqrt(len(values))
    )


def _sum(values: Doubles) -> Interval:
    mean = _mean(values)
    return Interval(value=mean.value * len(values), half=mean.half * len(values))


def _flips(
    ids: Sequence[str], policies: Sequence[str], old: Sequence[str], new: Sequence[str], flips: Flags
) -> list[dict[str, str | None]]:
    return [
        {"request": ids[at], "policy": policies[at], "before": old[at], "after": new[at] or None}
        for at in np.flatnonzero(flips).tolist()
    ]
