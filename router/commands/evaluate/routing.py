"""`farthing evaluate routing`: what routing by predictions saves, beside what needs no classifier."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dashboards.pictures import draw, form_of
from router.commands.evaluate.options import PLOTTED, common, show
from router.difficulty import load, measuring, sheet
from router.difficulty.corpus import read
from router.difficulty.ladders import ladders
from router.difficulty.predictions import write
from router.difficulty.routing import routing

HIDDEN = frozenset({"curves"})


@click.command()
@common
@click.option(
    "--ladder",
    "wanted",
    multiple=True,
    metavar="MODEL,MODEL,...",
    help="Route these models, the cheapest first [the ladders of the public records].",
)
@click.option(
    "--predictions",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write prompt_id, model, p_success, tokens_out of every prompt and model as parquet.",
)
@click.option("--plot", type=PLOTTED, help="Draw the curves of cost and quality into a .png or .svg.")
def command(
    data: Path,
    path: Path | None,
    split: str | None,
    draws: int,
    wanted: tuple[str, ...],
    predictions: Path | None,
    plot: Path | None,
    *,
    as_object: bool,
) -> None:
    """Route ladders of models by the classifier and measure cost and quality.

    Beside it: the best single model, the best random mix of single models at the same cost,
    each model's mean (also by kind of prompt), the 40 nearest prompts, and a perfect router.
    """
    form = form_of(plot) if plot else None
    fitted, corpus = load(path), read(data)
    on = measuring.bench(fitted, corpus, sheet.measured(corpus.texts), split=split, draws=draws)
    sections = show(routing(on, ladders(corpus, wanted)), as_object=as_object, hidden=HIDDEN)
    if predictions:
        rows = write(on, predictions, split=split)
        click.echo(f"{predictions} has {rows:,} predictions.", err=True)
    if plot and form:
        (points,) = (one for one in sections if one.name == "curves")
        plot.write_bytes(
            draw(SPEC, [dict(zip(points.columns, row, strict=True)) for row in points.rows], form)
        )
        click.echo(f"{plot} is drawn.", err=True)


SPEC: Mapping[str, Any] = {
    "title": "Quality reached for what is spent",
    "data": {"name": "table"},
    "facet": {"field": "ladder", "type": "nominal", "title": None},
    "columns": 3,
    "spec": {
        "width": 260,
        "height": 200,
        "mark": {"type": "line", "interpolate": "linear"},
        "encoding": {
            "x": {"field": "cost", "type": "quantitative", "title": "cost (best model: 1)"},
            "y": {"field": "quality", "type": "quantitative", "scale": {"zero": False}},
            "color": {"field": "router", "type": "nominal", "title": None},
        },
    },
    "resolve": {"scale": {"x": "independent", "y": "independent"}},
}
