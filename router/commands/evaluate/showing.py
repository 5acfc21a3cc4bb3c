"""How measurements of checks are printed."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from evaluators.climbing import Interval
from evaluators.records import Records, read

DATA = click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder of parquet files.",
)
WIDTH = 150
"""Columns of the widest table that is still read as one."""

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def records_of(folder: Path) -> Records:
    """Read the records, or say in a sentence what is missing."""
    try:
        return read(folder)
    except (OSError, KeyError) as error:
        raise click.ClickException(f"the records cannot be read: {error}") from None


def print_json(rows: Sequence[Any]) -> None:
    """Print dataclasses."""
    sys.stdout.buffer.write(
        orjson.dumps([asdict(row) for row in rows], option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)
        + b"\n"
    )


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for at, heading in enumerate(headings):
        table.add_column(heading, justify="left" if at == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=max(WIDTH, Console().width)).print(table)


def spelled(interval: Interval, *, percent: bool = False) -> str:
    """A figure with its interval."""
    if percent:
        return f"{interval.value:.0%} [{interval.low:.0%}, {interval.high:.0%}]"
    return f"{interval.value:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"
