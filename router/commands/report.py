"""`farthing report`: what it cost, and what was saved."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table as RichTable

from dashboards import reports
from dashboards.render import FORMATS, as_rich
from router.config import environment, load
from router.errors import FarthingError
from router.ledger.drain import drain_once
from router.ledger.store import Ledger

USUAL_CONFIG = Path("farthing.yaml")
USUAL_DATA = Path("farthing-data")

WIDE = 10_000
"""Characters in a line, whatever the terminal has: it may break a long line, but nothing is cut off."""


@click.command()
@click.argument("name", default="overview")
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration whose ledger is read [farthing.yaml, if there is one].",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of spool and ledger, instead.  [farthing-data]",
)
@click.option("--since", metavar="TIME", help="Only what began then or later: 12h, 7d, 2026-11-01 (UTC).")
@click.option("--until", metavar="TIME", help="Only what began before.")
@click.option("--by", metavar="DIMENSION", help=f"Group by {', '.join(reports.DIMENSIONS)}.")
@click.option("--format", "form", type=click.Choice(["table", *FORMATS]), default="table", show_default=True)
@click.option(
    "--comparison", is_flag=True, help="Count what `farthing demo` asked only to compare with, too."
)
@click.option("--list", "listing", is_flag=True, help="List the reports.")
def command(  # noqa: PLR0913 - click's way
    name: str,
    path: Path | None,
    data: Path | None,
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
    data = data or _data_of(path)
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


def _data_of(path: Path | None) -> Path:
    """Find the ledger of a configuration; one that is merely lying here need not be right for that."""
    if path is not None:
        return load(path, environ=environment()).data
    if not USUAL_CONFIG.exists():
        return USUAL_DATA
    try:
        return load(USUAL_CONFIG, environ=environment()).data
    except FarthingError:
        return USUAL_DATA


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
