"""Which start of a plan is the best, found in microseconds: the first of all `prospects`, ranked."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from policies.candidates import Places
from policies.priors import Reliability
from policies.prospects import EVER, after_failure
from router.predictions import Doubles

ROUNDING = 1.0 + 1e-9
"""More than sums of a few numbers can be off."""

FEW = 32
"""So many models are looked at one by one."""

TELLING = (8, 48)
"""Of more, so many of the weakest that may be good enough mostly tell which start is the best."""

NO_CLIMB = Reliability(catch=0.0, alarm=0.0)


class Start(NamedTuple):
    """A start by its place, and whether it is good enough."""

    place: int
    good: bool


def best_start(
    chance: Doubles, cost: Doubles, ranks: Places, *, enough: float, checks: Reliability, calls: int
) -> Start:
    """Find the cheapest start that is good enough, else the most successful.

    Ties go to the stronger, then to the first name.
    `chance`, `cost` and `ranks` (the places of names in the alphabet) are (models,), never empty.
    """
    checks = checks if calls > 1 else NO_CLIMB
    if len(chance) <= FEW:
        chances, costs = chance.tolist(), cost.tolist()
        places = _strongest_first(chances, costs, ranks)
    else:
        told = _told_by_the_weakest(chance, cost, ranks, enough, checks) if calls >= EVER else None
        if told is not None:
            return Start(told, good=True)
        order = np.lexsort((ranks, cost, -chance))
        chances, costs, places = chance.tolist(), cost.tolist(), order.tolist()
    return _looked_at(places, chances, costs, ranks, enough, checks, deep=calls >= EVER)


def _strongest_first(chances: Sequence[float], costs: Sequence[float], ranks: Places) -> list[int]:
    """Order as `prospects` does: costs and names matter only where chances are alike."""
    places = range(len(chances))
    if len(set(chances)) < len(chances):
        return sorted(places, key=lambda place: (-chances[place], costs[place], ranks[place]))
    return sorted(places, key=chances.__getitem__, reverse=True)


def _looked_at(
    places: Sequence[int],
    chances: Sequence[float],
    costs: Sequence[float],
    ranks: Places,
    enough: float,
    checks: Reliability,
    *,
    deep: bool,
) -> Start:
    """Look ahead from one place after another, the strongest first, as far as one may be the best."""
    # Plain numbers, not `Prospect`s: this is done for every model of every request.
    catch, alarm = checks.catch, checks.alarm
    best = places[0]
    best_cost, best_success = costs[best], chances[best]
    good = best_success >= enough
    climb_cost, climb_success = best_cost, best_success
    for place in places[1:]:
        p = chances[place]
        if good and (p + (1.0 - p) * catch) * ROUNDING < enough:
            break  # neither this one nor any weaker one is good enough, whatever follows it
        own = costs[place]
        if good and own >= best_cost and own >= climb_cost >= 0.0:
            continue  # dearer than the best even without climbs, which cost something unless caches are kept
        caught, condemned = (1.0 - p) * catch, p * alarm
        success = p - condemned + caught * after_failure(climb_success, p) + condemned * climb_success
        total = own + (caught + condemned) * climb_cost
        fine = success >= enough
        if fine == good:
            ahead = total - best_cost if fine else best_success - success  # less than nothing: better
            if ahead < 0.0 or (ahead == 0.0 and p == chances[best] and ranks[place] < ranks[best]):
                best, best_cost, best_success = place, total, success
        elif fine:
            best, best_cost, best_success, good = place, total, success, True
        if deep:
            if fine and total < climb_cost:
                climb_cost, climb_success = total, success
        elif p >= enough and own < climb_cost:
            climb_cost, climb_success = own, p
    return Start(best, good)


def _told_by_the_weakest(
    chance: Doubles, cost: Doubles, ranks: Places, enough: float, checks: Reliability
) -> int | None:
    """Find the place of the best start among the weakest that may be good enough.

    Of those before them no more is known than what a climb to one can cost and promise: the climb of a climb
    of a climb matters so little that bounds do. `None`: they do not.
    """
    order = (-chance).argsort()
    top = float(chance[order[0]])
    if top < enough:
        return None
    richest = top + (1.0 - top) * checks.catch
    able = int(np.count_nonzero(chance >= _least(enough / ROUNDING, checks.catch, richest)))
    for many in TELLING:
        begin = max(1, able - many)
        before, places = cost[order[:begin]], order[begin:able].tolist()
        climb = _Climb(float(before[before.argmin()]), float(before[0]), enough, richest)
        chances, costs = chance[places].tolist(), cost[places].tolist()
        if len(set(chances)) < len(chances):
            places.sort(key=lambda place: (-chance[place], cost[place], ranks[place]))
            chances, costs = chance[places].tolist(), cost[places].tolist()
        # Where a cache is kept, a climb may cost less than nothing; of the strongest, any may be the first.
        if min((climb.cheapest, *costs)) < 0.0 or top in chances:
            return None
        told = _told_apart(chances, costs, enough, checks, climb)
        if told is not None:
            return int(places[told])
        if begin == 1:
            break
    return None


def _least(enough: float, catch: float, climb: float) -> float:
    """Give a chance such that no lower one is good enough, whatever follows, if climbs are no better."""
    least = _made_good(enough, catch * climb)
    # Who is likelier to succeed tells more by failing, so beyond this the climb is worth at most that much.
    return _made_good(enough, catch * after_failure(climb, least))


def _made_good(enough: float, caught: float) -> float:
    return max(0.0, (enough - caught) / (1.0 - caught) / ROUNDING) if caught < 1.0 else 0.0


class _Climb(NamedTuple):
    """Bounds of what a climb costs and of its success."""

    cheapest: float
    dearest: float
    poorest: float
    richest: float


def _told_apart(
    chances: Sequence[float], costs: Sequence[float], enough: float, checks: Reliability, climb: _Climb
) -> int | None:
    """Find the start that is surely the best, whatever `climb` before it is within its bounds."""
    cheapest, dearest, poorest, richest = climb
    bound, rivals = np.inf, list[tuple[float, int, bool]]()
    for place, (p, own) in enumerate(zip(chances, costs, strict=True)):
        if own >= bound and own >= dearest:
            continue
        caught, condemned = (1.0 - p) * checks.catch, p * checks.alarm
        most = p - condemned + caught * after_failure(richest, p) + condemned * richest
        if most * ROUNDING < enough:
            continue
        least = p - condemned + caught * after_failure(poorest, p) + condemned * poorest
        sure, often = least >= enough * ROUNDING, caught + condemned
        low, high = own + often * cheapest, own + often * dearest
        rivals.append((low, place, sure))
        if sure:
            bound = min(bound, high)
        if sure and high * ROUNDING < cheapest:
            cheapest, dearest, poorest, richest = low, high, least, most
        elif low < dearest:
            cheapest, dearest = min(cheapest, low), min(dearest, high) if sure else dearest
            poorest, richest = min(poorest, least), max(richest, most)
    near = [(place, sure) for low, place, sure in rivals if low <= bound * ROUNDING]
    # Whoever starts before them costs at least as much as the cheapest there.
    if len(near) == 1 and near[0][1] and bound * ROUNDING < climb.cheapest:
        return near[0][0]
    return None
