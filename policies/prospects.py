"""What plans promise: cost and chance of success, climbs and second tries included; no I/O, microseconds.

A plan starts at a model and, as often as its answer is rejected, goes on to a stronger one.
An answer is rejected if it is wrong and caught, or right and condemned by mistake.
After a rejection the rest of the plan is less likely to succeed than it was before:
models fail at the same requests.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from policies.priors import ALIKE, Reliability

EVER = 3
"""Calls from which on a plan is reckoned as if it could climb for ever: few plans come to a fourth."""


ROUNDING = 1.0 + 1e-9
"""More than sums of a few numbers can be off."""


class Prospect(NamedTuple):
    """What starting at a model promises: cost in picodollars and chance of success, climbs included."""

    cost: float
    success: float


NOWHERE = Prospect(cost=0.0, success=0.0)


def after_failure(success: float, failed: float) -> float:
    """The chance of a plan once a model that had the chance `failed` is known to have failed."""
    if not 0.0 < failed < 1.0 or not 0.0 < success < 1.0:
        return success
    told = ALIKE * sqrt(success * (1.0 - success) * failed / (1.0 - failed))
    # What is left cannot be less than if every one of its failures were shared.
    return max(success - told, (success - failed) / (1.0 - failed), 0.0)


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


def best_start(
    chance: Mapping[str, float],
    cost_of: Callable[[str], float],
    *,
    enough: float,
    checks: Reliability,
    calls: int,
) -> tuple[str, Prospect]:
    """Find the best of `prospects` without looking at models that cannot be it, nor at what they cost.

    The cheapest that is good enough, else the most successful; ties go to the stronger, then to the first
    name.
    """
    # Plain numbers, not `Prospect`s: this is done for every model of every request.
    deep, first = calls >= EVER, True
    catch, alarm = (checks.catch, checks.alarm) if calls > 1 else (0.0, 0.0)
    best, best_cost, best_success, best_chance, good = "", 0.0, 0.0, 0.0, False
    climb_cost = climb_success = 0.0
    for name in _strongest_first(chance, cost_of):
        p = chance[name]
        if good and (p + (1.0 - p) * catch) * ROUNDING < enough:
            break  # neither this one nor any weaker one is good enough, whatever follows it
        total = own = cost_of(name)
        if good and own > best_cost and own >= climb_cost >= 0.0:
            continue  # dearer than the best even without climbs, which cost something unless caches are kept
        success = p
        if not first and calls > 1:
            caught, condemned = (1.0 - p) * catch, p * alarm
            success = p - condemned + caught * after_failure(climb_success, p) + condemned * climb_success
            total = own + (caught + condemned) * climb_cost
        fine = success >= enough
        ahead = total - best_cost if fine else best_success - success  # less than nothing: better
        alike = ahead == 0.0 and p == best_chance and name < best
        if first or fine > good or (fine == good and (ahead < 0.0 or alike)):
            best, best_cost, best_success, best_chance, good = name, total, success, p, fine
        step_cost, step_success = (total, success) if deep else (own, p)
        if first or (step_success >= enough and step_cost < climb_cost):
            climb_cost, climb_success = step_cost, step_success
        first = False
    assert best, "a strategy never sees an empty list"
    return best, Prospect(best_cost, best_success)


def _strongest_first(chance: Mapping[str, float], cost_of: Callable[[str], float]) -> Iterable[str]:
    """Order as `prospects` does: costs are asked only where chances are alike."""
    names = sorted(chance, key=chance.__getitem__, reverse=True)
    return names if len(set(chance.values())) == len(names) else _by_cost(names, chance, cost_of)


def _by_cost(
    names: Sequence[str], chance: Mapping[str, float], cost_of: Callable[[str], float]
) -> Iterator[str]:
    at, end = 0, len(names)
    while at < end:
        alike = at + 1
        while alike < end and chance[names[alike]] == chance[names[at]]:
            alike += 1
        if alike == at + 1:
            yield names[at]
        else:
            yield from sorted(names[at:alike], key=lambda name: (cost_of(name), name))
        at = alike


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
