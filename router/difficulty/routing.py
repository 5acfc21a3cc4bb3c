"""What routing a ladder by a classifier is worth, beside routing without one."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from router.difficulty import curves
from router.difficulty.baselines import baselines
from router.difficulty.corpus import BadRecords, Places
from router.difficulty.curves import Ground, Routed
from router.difficulty.hierarchy import Doubles
from router.difficulty.ladders import Climb, Ladder, climb
from router.difficulty.measuring import Bench, chances, placed
from router.difficulty.scores import interval
from router.difficulty.tables import Cell, Estimate, Section

FEWEST = 20
"""Prompts that a ladder needs."""

MIX, ORACLE, OURS = "best random mix", "perfect router", "this classifier"
SHORT = (
    ("closed", "share of the gap closed"),
    ("apgr", "APGR"),
    ("cpt50", "CPT(50 %)"),
    ("cpt80", "CPT(80 %)"),
    ("cost95", "cost at 95 %"),
    ("cost98", "cost at 98 %"),
    ("cost100", "cost at 100 %"),
)
COLUMNS = ("ladder", "prompts", "router", *(title for _, title in SHORT))
NOTES = (
    "Costs are list prices of output tokens; the best single model costs 1 and has 100 % quality.",
    "The gap is that between the best random mix of single models and a perfect router.",
    "CPT: how far one must go from the cheapest to the best model's cost to recover so much of the gap.",
)


def routing(on: Bench, ladders: tuple[Ladder, ...]) -> Iterator[Section]:
    """Yield the table of all ladders, and the curves behind it."""
    rows: list[tuple[Cell, ...]] = []
    curve: list[tuple[Cell, ...]] = []
    pool = placed(on.fitted, on.corpus)
    for ladder in ladders:
        try:
            found = climb(ladder, on.held)
        except BadRecords as error:
            rows.append((ladder.name, 0, f"not measured: {error}", *(None for _ in SHORT)))
            continue
        if len(found.prompts) < FEWEST:
            rows.append((ladder.name, len(found.prompts), "not measured: too few", *(None for _ in SHORT)))
            continue
        values = _values(on, found)
        values[OURS] = chances(on.fitted, on.vectors, found.prompts, pool)[found.prompts][:, found.rungs]
        rows += [(ladder.name, len(found.prompts), *row) for row in rows_of(found, values, on.draws)]
        curve += [(ladder.name, *point) for point in points_of(found, values)]
    yield Section(name="routing", title="Routing", columns=COLUMNS, rows=tuple(rows), notes=NOTES)
    yield Section(
        name="curves",
        title="Cost and quality",
        columns=("ladder", "router", "cost", "quality"),
        rows=tuple(curve),
    )


def _values(on: Bench, found: Climb) -> dict[str, Doubles]:
    """Return what each router without a classifier believes of the rungs."""
    if not len(on.learnt.score):
        return {}
    plain = baselines(on.learnt, on.texts, found.prompts)
    return {
        "each model's mean": plain.mean[:, found.rungs],
        "its mean for the kind of prompt": plain.kind[:, found.rungs],
        "40 nearest prompts": plain.nearest[:, found.rungs],
    }


def rows_of(found: Climb, values: Mapping[str, Doubles], draws: int) -> Iterator[tuple[Cell, ...]]:
    """Judge mix, routers and oracle; all with intervals over the same draws of groups."""
    on = curves.ground(found.score, found.cost)
    yield MIX, *_row(curves.figures(on.mix, on))
    for name, value in values.items():
        whole = curves.figures(curves.course(value, on), on)
        drawn = partial(_closed, value, found)
        low, high = interval(drawn, found.group, draws, np.random.default_rng(1))
        yield name, Estimate(value=whole.closed, low=low, high=high), *_row(whole)[1:]
    yield ORACLE, *_row(curves.figures(on.oracle, on))


def _closed(value: Doubles, found: Climb, places: Places) -> float:
    return curves.routed(value[places], found.score[places], found.cost).closed


def _row(routed: Routed) -> tuple[Cell, ...]:
    values = (getattr(routed, name) for name, _ in SHORT)
    return tuple("never" if value == float("inf") else value for value in values)


def points_of(found: Climb, values: Mapping[str, Doubles]) -> Iterator[tuple[Cell, ...]]:
    """Yield the curves, cost by cost, and each single model."""
    on: Ground = curves.ground(found.score, found.cost)
    courses = {
        MIX: on.mix,
        **{name: curves.course(value, on) for name, value in values.items()},
        ORACLE: on.oracle,
    }
    for name, quality in courses.items():
        for cost, reached in zip(on.grid.tolist(), quality.tolist(), strict=True):
            yield name, round(cost, 4), round(reached, 4)
