"""`farthing export`: everything, for those who add up bills, and for those who leave."""

from pathlib import Path

import click

from dashboards import export
from router.commands.options import DATA
from router.commands.report import freshen
from router.ledger.store import Ledger


@click.group()
def command() -> None:
    """Take the ledger along: FOCUS 1.2, or all of it as Parquet."""


@command.command()
@DATA
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option("--since", metavar="TIME", help="Only what began then or later: 12h, 7d, 2026-11-01 (UTC).")
@click.option("--until", metavar="TIME", help="Only what began before.")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file [focus.csv or focus.parquet]."
)
def focus(data: Path, form: str, since: str | None, until: str | None, output: Path | None) -> None:
    """Write charges in the form of FOCUS 1.2 (FinOps Open Cost and Usage Specification)."""
    freshen(Ledger(data))
    target = output or Path(f"focus.{form}")
    count = export.focus(data, target, since=since, until=until)
    click.echo(f"{count} charges are in {target}.")


@command.command()
@DATA
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def ledger(data: Path, folder: Path) -> None:
    """Write every table as Parquet into FOLDER, and what their columns are as schema.json."""
    freshen(Ledger(data))
    for table, count in export.ledger(data, folder).items():
        click.echo(f"{count} rows of {table}")
