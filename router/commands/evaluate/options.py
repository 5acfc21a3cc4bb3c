"""What `farthing evaluate` commands share: their options, and how results are written out."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from router.difficulty.tables import Section, as_json, as_text

F = TypeVar("F", bound=Callable[..., Any])

PLOTTED = click.Path(path_type=Path, dir_okay=False)


def common(command: F) -> F:
    """Add the options that every part has."""
    for option in reversed(
        (
            click.option(
                "--data",
                type=click.Path(path_type=Path),
                required=True,
                help="Folder of prompts.parquet, models.parquet and outcomes.parquet.",
            ),
            click.option(
                "--artefact", "path", type=click.Path(path_type=Path), help="Classifier [the shipped one]."
            ),
            click.option(
                "--split", help="Measure on prompts of this split [validation, if there is one; else all]."
            ),
            click.option(
                "--draws",
                type=click.IntRange(2, 2_000),
                default=40,
                show_default=True,
                help="Bootstrap draws behind every interval.",
            ),
            click.option("--json", "as_object", is_flag=True, help="Print JSON, for programs."),
        )
    ):
        command = option(command)
    return command


def show(
    sections: Iterable[Section], *, as_object: bool, hidden: frozenset[str] = frozenset()
) -> list[Section]:
    """Print sections, tables one by one as they are ready; those `hidden` are only in the JSON."""
    kept = []
    for section in sections:
        kept.append(section)
        if not as_object and section.name not in hidden:
            click.echo(as_text(section))
    if as_object:
        click.echo(as_json(kept))
    return kept
