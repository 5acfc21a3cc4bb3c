"""`farthing report`: what it cost, and what was saved."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table as RichTable

from dashboards import reports
from dashboards.render import FORMATS, as_rich
from router.errors import FarthingError
from router.ledger.drain import drain_once
from router.ledger.store import Ledger

WIDE = 10_000
"""Characters in a line, whatever the terminal has: it may break a long line, but nothing is cut off."""


@click.command()
@click.argument("name", default="overview")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("farthing-data"),
    show_default=True,
    help="The folder of spool and ledger.",
)
@click.option("--since", metavar="TIME", help="Only what began then or later: 12h, 7d, 2026-11-01 (UTC).")
@click.option("--until", metavar="TIME", help="Only what began before.")
@click.option("--by", metavar="DIMENSION", help=f"Group by {', '.join(reports.DIMENSIONS)}.")
@click.option("--format", "form", type=click.Choice(["table", *FORMATS]), default="table", show_default=True)
@click.option(
    "--comparison", is_flag=True, help="Count what `farthing demo` asked only to compare with, too."
)
@click.option("--list", "listing", is_flag=True, help="List the reports.")
def command(
    name: str,
    data: Path,
    since: str | None,
    until: str | None,
    by: str | None,
    form: str,
    *,
    comparison: bool,
    listing: bool,
) -> None:
    """Say what requests cost, and what was saved.

    NAME is a report (overview if left out); --list names them all.
    """
    if listing:
        _console().print(_listed())
        return
    _freshen(Ledger(data))
    table = reports.run(data, name, since=since, until=until, by=by, comparison=comparison)
    empty = not Ledger(data).database.exists()
    if empty:
        click.echo(f"Nothing has been written to the ledger in {data} yet.", err=form != "table")
    if form != "table":
        click.echo(FORMATS[form](table), nl=form == "json")
    elif not empty and table.rows:
        _console().print(as_rich(table))
    elif not empty:
        click.echo(f"{table.title}: nothing in this period.")


def _freshen(ledger: Ledger) -> None:
    """Drain, unless a drainer runs, which has the ledger no older than a second."""
    if not ledger.spool.is_dir():
        return
    try:
        drain_once(ledger)
    except FarthingError as error:
        click.echo(f"farthing: {error} What was there before is shown.", err=True)


def _listed() -> RichTable:
    table = RichTable("report", "question", "grouped by")
    for report in reports.available():
        table.add_row(report.name, report.question, report.by or "")
    return table


def _console() -> Console:
    return Console(width=WIDE)
