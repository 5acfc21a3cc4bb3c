"""`farthing page`: the dashboard's page on standard output (the server asks for it)."""

from datetime import UTC, datetime
from pathlib import Path

import click

from dashboards.page import html


@click.command(hidden=True)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True)
def command(data: Path) -> None:
    """Write the dashboard's page to standard output."""
    click.echo(html(data, now=datetime.now(UTC)))
