"""`farthing evaluate cascade`: what checking answers is worth, beside routing alone, at equal cost."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from dashboards.pictures import Form, draw
from evaluators.climbing import Comparison, compare
from evaluators.records import Doubles, Records
from evaluators.trials import PAIRS, Trial, trial
from router.commands.evaluate.showing import AS_JSON, DATA, print_json, print_table, records_of, spelled
from router.difficulty import Difficulty, load
from router.types import Model, Turn

CHART: Mapping[str, Any] = {
    "data": {"name": "table"},
    "facet": {"field": "ladder", "type": "nominal", "title": None},
    "columns": 3,
    "resolve": {"scale": {"x": "independent", "y": "independent"}},
    "spec": {
        "width": 260,
        "height": 180,
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "cost", "type": "quantitative", "title": "USD per 1,000 prompts"},
            "y": {
                "field": "quality",
                "type": "quantitative",
                "scale": {"zero": False},
                "axis": {"format": "%"},
                "title": "right answers",
            },
            "color": {"field": "plan", "type": "nominal", "title": None},
        },
    },
}


@click.command()
@DATA
@AS_JSON
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the curves into this SVG or PNG file.")
def command(data: Path, plot: Path | None, *, as_json: bool) -> None:
    """Compare a cascade with routing, the best single model and the mix of equal cost.

    Every sample, peer and climb is paid for. All figures are of prompts the classifier has not seen;
    what is learnt of checks is learnt on other prompts than it is measured on. Intervals are 95 %.
    """
    found = asyncio.run(_measured(records_of(data)))
    if plot is not None:
        form = Form.PNG if plot.suffix.lower() == ".png" else Form.SVG
        plot.write_bytes(draw(CHART, _points(found), form))
    if as_json:
        print_json(found)
        return
    _show(found)


async def _measured(records: Records) -> list[Comparison]:
    classifier = load()
    found = []
    for pair in PAIRS:
        if (pair.source, pair.small) in records.answers and (pair.source, pair.large) in records.answers:
            one = await trial(pair, records)
            found.append(compare(one, _chances(classifier, one, records)))
    return found


def _chances(classifier: Difficulty, one: Trial, records: Records) -> Doubles:
    """What the classifier expects of both rungs, for every prompt."""
    rungs = [Model(name=name, upstream="", upstream_name=name) for name in (one.pair.small, one.pair.large)]
    rows = []
    for prompt in one.prompts:
        vector = classifier.describe((Turn(role="user", text=records.prompts[prompt].text),))
        predicted = classifier.predict(vector, rungs)
        rows.append([predicted[rung.name].success for rung in rungs])
    return np.array(rows, float)


def _points(found: Sequence[Comparison]) -> list[dict[str, object]]:
    return [
        {"ladder": one.name, "plan": plan, "cost": cost * 1000, "quality": quality}
        for one in found
        for plan, cost, quality in one.curve
    ]


def _show(found: Sequence[Comparison]) -> None:
    headings = (
        "ladder",
        "prompts",
        "quality",
        "cost ratio",
        "routing - mix",
        "cascade - mix",
        "cascade - routing",
    )
    rows = [
        (
            one.name,
            f"{one.prompts:,}",
            f"{one.small:.1%} / {one.large:.1%}",
            f"{one.cost_ratio:.1f}",
            spelled(one.routing),
            spelled(one.cascade),
            spelled(one.beyond),
        )
        for one in found
    ]
    print_table("At equal cost: points of quality, mean over ten budgets", headings, rows)
    beside = (
        "ladder",
        "plan",
        "cost at 95 %",
        "kept",
        "the mix needs",
        "cost at 100 %",
        "kept",
        "at its cost",
    )
    print_table(
        "Beside the best single model: share of its cost, share of its quality, points at its full cost",
        beside,
        [row for one in found for row in _beside(one)],
    )
    _conclude(found)


def _beside(one: Comparison) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for plan, best in (("routing", one.best_routing), ("cascade", one.best_cascade)):
        most, all_of_it = one.reached[f"{plan} 95%"], one.reached[f"{plan} 100%"]
        figures: list[Any] = [most.cost, most.kept, most.mix, all_of_it.cost, all_of_it.kept]
        rows.append((one.name, plan, *(spelled(each, percent=True) for each in figures), spelled(best)))
    return rows


def _conclude(found: Sequence[Comparison]) -> None:
    """Say which comparisons are won beyond doubt, and which are not."""

    def won(names: list[str]) -> str:
        return f"{len(names)} of {len(found)}" + (f": {'; '.join(names)}" if names else "")

    click.echo(
        f"cascade better than routing at equal cost: {won([o.name for o in found if o.beyond.low > 0])}"
    )
    click.echo(f"cascade better than the mix: {won([o.name for o in found if o.cascade.low > 0])}")
    click.echo(f"routing better than the mix: {won([o.name for o in found if o.routing.low > 0])}")
    better = [o.name for o in found if o.best_cascade.low > 0]
    click.echo(f"cascade of higher quality than the best single model at its cost: {won(better)}")
    cheaper = [
        o.name
        for o in found
        if o.reached["cascade 95%"].cost.high < 1 and o.reached["cascade 95%"].kept.low >= 0.9
    ]
    click.echo(f"cascade aimed at 95 % of it, cheaper and keeping at least 90 %: {won(cheaper)}")
