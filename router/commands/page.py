"""`farthing page`: the reports for the dashboard, line by line (the server starts it)."""

import sys
from pathlib import Path

import click

from dashboards.reader import serve


@click.command(hidden=True)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False))
def command(data: Path, reports: Path | None) -> None:
    """Answer queries on standard input, one line of JSON each, until it ends."""
    serve(sys.stdin, sys.stdout, data, reports)
