"""What plans promise: cost and chance of success, climbs and second tries included; no I/O, microseconds.

A plan starts at a model and, as often as its answer is rejected, goes on to a stronger one.
An answer is rejected if it is wrong and caught, or right and condemned by mistake.
After a rejection the rest of the plan is less likely to succeed than it was before:
models fail at the same requests.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from policies.priors import ALIKE, Reliability

EVER = 3
"""Calls from which on a plan is reckoned as if it could climb for ever: few plans come to a fourth."""


class Prospect(NamedTuple):
    """What starting at a model promises: cost in picodollars and chance of success, climbs included."""

    cost: float
    success: float


NOWHERE = Prospect(cost=0.0, success=0.0)


def after_failure(success: float, failed: float) -> float:
    """The chance of a plan once a model that had the chance `failed` is known to have failed."""
    if not 0.0 < failed < 1.0 or not 0.0 < success < 1.0:
        return success
    left = success - ALIKE * sqrt(success * (1.0 - success) * failed / (1.0 - failed))
    # It cannot be less than if every one of its failures were shared.
    shared = (success - failed) / (1.0 - failed)
    return left if left > shared and left > 0.0 else max(shared, 0.0)


def prospects(
    chance: Mapping[str, float],
    costs: Mapping[str, float],
    *,
    enough: float,
    checks: Reliability,
    calls: int,
) -> dict[str, Prospect]:
    """Look ahead from every start, by backward induction: from the strongest down, every climb is known.

    `costs` include what checks cost. The climb goes to the cheapest stronger start that is good enough,
    or to the most successful one; linear after sorting.
    """
    ahead: dict[str, Prospect] = {}
    climb: Prospect | None = None
    deep = calls >= EVER
    catch, alarm = checks.catch, checks.alarm
    for name in sorted(chance, key=lambda name: (-chance[name], costs[name], name)):
        p, cost = chance[name], costs[name]
        if climb is None or calls == 1:
            here = Prospect(cost, p)
        else:
            caught, condemned = (1.0 - p) * catch, p * alarm
            success = p - condemned + caught * after_failure(climb.success, p) + condemned * climb.success
            here = Prospect(cost + (caught + condemned) * climb.cost, success)
        ahead[name] = here
        step = here if deep else Prospect(cost, p)
        if climb is None or (step.success >= enough and step.cost < climb.cost):
            climb = step
    return ahead


def rescued(passes: float, right: float, cost: float, climb: Prospect) -> Prospect:
    """Ask the same model again first: `passes` is its chance to pass, `right` to be right if it does."""
    return Prospect(
        cost=cost + (1.0 - passes) * climb.cost, success=passes * right + (1.0 - passes) * climb.success
    )


def best(options: Sequence[tuple[str, Prospect]], enough: float) -> tuple[str, Prospect]:
    """The cheapest option that is good enough, else the most successful; never of an empty list."""
    good = [option for option in options if option[1].success >= enough]
    if good:
        return min(good, key=lambda option: (option[1].cost, -option[1].success, option[0]))
    return max(options, key=lambda option: (option[1].success, -option[1].cost))
