"""`farthing evaluate difficulty`: how well chances and lengths are predicted."""

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from dashboards.pictures import draw, form_of
from router.commands.evaluate.options import PLOTTED, common, show
from router.difficulty import load, measuring, sheet
from router.difficulty.corpus import Corpus, read
from router.difficulty.sheet import Sheet
from router.difficulty.tables import Section

HIDDEN = frozenset({"reliability"})


@click.command()
@common
@click.option(
    "--leave-out",
    type=click.Choice(["models", "sources"]),
    multiple=True,
    help="Also train anew without some models, or without each source in turn: about a minute each.",
)
@click.option("--plot", type=PLOTTED, help="Draw predicted beside found into a .png or .svg.")
def command(
    data: Path,
    path: Path | None,
    split: str | None,
    draws: int,
    leave_out: tuple[str, ...],
    plot: Path | None,
    *,
    as_object: bool,
) -> None:
    """Measure chances (log loss, Brier, ECE, AUC), lengths and speed, beside what needs no classifier.

    AUC per model is over all prompts; AUC within is inside one data set, where the benchmark is no clue.
    """
    form = form_of(plot) if plot else None
    fitted, corpus = load(path), read(data)
    measured = sheet.measured(corpus.texts)
    on = measuring.bench(fitted, corpus, measured, split=split, draws=draws)
    sections = show(_all(on, corpus, measured, leave_out), as_object=as_object, hidden=HIDDEN)
    if plot and form:
        (points,) = (one for one in sections if one.name == "reliability")
        plot.write_bytes(
            draw(SPEC, [dict(zip(points.columns, row, strict=True)) for row in points.rows], form)
        )
        click.echo(f"{plot} is drawn.", err=True)


def _all(
    on: measuring.Bench, corpus: Corpus, measured: Sheet, leave_out: tuple[str, ...]
) -> Iterator[Section]:
    yield from measuring.difficulty(on)
    if leave_out:
        # Training loads scikit-learn, which nothing else here needs.
        unseen = importlib.import_module("router.difficulty.unseen")
        for what in leave_out:
            yield from unseen.PARTS[what](corpus, measured, on.draws)


SPEC: Mapping[str, Any] = {
    "title": {
        "text": "Predicted beside found",
        "subtitle": "a perfectly calibrated classifier lies on the line",
    },
    "width": 420,
    "height": 420,
    "data": {"name": "table"},
    "layer": [
        {
            "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
            "mark": {"type": "line", "strokeDash": [4, 4]},
            "encoding": {
                "x": {"field": "x", "type": "quantitative"},
                "y": {"field": "y", "type": "quantitative"},
            },
        },
        {
            "mark": {"type": "circle", "opacity": 0.9},
            "encoding": {
                "x": {"field": "predicted", "type": "quantitative", "title": "predicted chance"},
                "y": {"field": "found", "type": "quantitative", "title": "share that went well"},
                "size": {"field": "outcomes", "type": "quantitative"},
            },
        },
    ],
}
