"""`farthing report`: what it cost, and what was saved."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table as RichTable
from rich.text import Text

from dashboards import reports, scope
from dashboards.render import FORMATS, as_rich
from dashboards.saving import parquet, picture
from dashboards.screen import overview
from dashboards.tables import BadReport, Table
from router.commands.options import CONFIG
from router.config import environment, load
from router.errors import FarthingError
from router.ledger.drain import drain_what_waits
from router.ledger.kept import lost
from router.ledger.store import Ledger, Patience

USUAL_CONFIG = Path("farthing.yaml")
USUAL_DATA = Path("farthing-data")

WIDE = 10_000
"""Characters in a line, whatever the terminal has: it may break a long line, but nothing is cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for, each time anew where it is watched."""

    name: str
    data: Path
    since: str | None
    until: str | None
    by: str | None
    where: Sequence[str]
    comparison: bool
    folder: Path | None

    def table(self, name: str | None = None) -> Table:
        return reports.run(
            self.data,
            name or self.name,
            since=self.since,
            until=self.until,
            where=self.where,
            comparison=self.comparison,
            folder=self.folder,
            by=self.by if name is None else None,
        )


@click.command()
@click.argument("name", default="overview")
@CONFIG
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of spool and ledger, instead.  [farthing-data]",
)
@click.option("--since", metavar="TIME", help="Only what began then or later: 12h, 7d, 2026-11-01 (UTC).")
@click.option("--until", metavar="TIME", help="Only what began before.")
@click.option("--by", metavar="DIMENSION", help=f"Group by {', '.join(scope.DIMENSIONS)}, check.")
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="Only what this holds for: model=small, cost>0.01, tag!=nightly, team= (none). All must hold.",
)
@click.option(
    "--format", "form", type=click.Choice(["table", "parquet", *FORMATS]), default="table", show_default=True
)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write there; parquet needs it."
)
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw the chart into a .png or .svg."
)
@click.option(
    "--reports",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder with reports of one's own.",
)
@click.option("--watch", is_flag=True, help="Show it anew every two seconds, until Ctrl-C.")
@click.option(
    "--comparison", is_flag=True, help="Count what `farthing demo` asked only to compare with, too."
)
@click.option("--prove", is_flag=True, help="What routing saves against the control arm: the report `prove`.")
@click.option("--list", "listing", is_flag=True, help="List the reports.")
def command(
    name: str,
    path: Path | None,
    data: Path | None,
    form: str,
    output: Path | None,
    plot: Path | None,
    *,
    watch: bool,
    listing: bool,
    **asked: Any,
) -> None:
    """Say what requests cost, and what was saved.

    NAME is a report (overview if left out); --list names them all.
    """
    if listing:
        _console().print(_listed(asked["folder"]))
        return
    name = _named(name, asked)
    question = Question(name=name, data=data or ledger_of(path), **asked)
    freshen(Ledger(question.data))
    if watch:
        _watch(question)
        return
    table = question.table()
    if plot is not None:
        picture(table, name, plot, question.folder)
        click.echo(f"The chart is in {plot}.", err=True)
    if form == "table" and output is None:
        _show(question, table)
    else:
        _write(table, form, output, question.data)


def _named(name: str, asked: dict[str, Any]) -> str:
    """Return the report that is meant; two can be asked for by an option."""
    if asked.pop("prove"):
        return "prove"
    if asked["by"] == "check":
        asked["by"] = None
        return "worth"
    return name


def _show(question: Question, table: Table) -> None:
    if not Ledger(question.data).database.exists():
        click.echo(f"Nothing has been written to the ledger in {question.data} yet.")
    elif table.rows:
        screen = Console()
        if question.name == "overview" and screen.is_terminal:
            screen.print(_screen(question, table))
        else:
            _console().print(as_rich(table))
    else:
        click.echo(f"{table.title}: nothing in this period.")


def _write(table: Table, form: str, output: Path | None, data: Path) -> None:
    if not Ledger(data).database.exists():
        click.echo(f"Nothing has been written to the ledger in {data} yet.", err=True)
    if form == "parquet":
        if output is None:
            raise BadReport("Parquet is for a file: say which with --output.")
        parquet(table, output)
        return
    text = FORMATS["markdown" if form == "table" else form](table)
    if output is not None:
        output.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=form == "json")


def _watch(question: Question) -> None:
    """Show it until Ctrl-C."""
    with Live(screen=True, auto_refresh=False) as live:
        while True:
            table = question.table()
            live.update(
                _screen(question, table) if question.name == "overview" else as_rich(table), refresh=True
            )
            try:
                time.sleep(2)
            except KeyboardInterrupt:
                return


def _screen(question: Question, table: Table) -> RenderableType:
    if table.rows[0][0] == 0:
        return Text("Nothing in this period.")
    return overview(table, question.table("models"), question.table("trend"))


def ledger_of(path: Path | None) -> Path:
    """Find the ledger of a configuration; one that is merely lying here need not be right for that."""
    if path is not None:
        return load(path, environ=environment()).data
    if not USUAL_CONFIG.exists():
        return USUAL_DATA
    try:
        return load(USUAL_CONFIG, environ=environment()).data
    except FarthingError:
        return USUAL_DATA


def freshen(ledger: Ledger, patience: Patience | None = None) -> None:
    """See that all that is answered and booked by now is in the ledger, or say that it is not."""
    if not ledger.spool.is_dir():
        return
    try:
        if not drain_what_waits(ledger, patience):
            click.echo("farthing: the newest rows are not in the ledger yet, nor in this.", err=True)
    except FarthingError as error:
        click.echo(f"farthing: {error} What was there before is shown.", err=True)
    for gap in lost(ledger):
        click.echo(f"farthing: not in here, for it is lost: {gap}", err=True)


def _listed(folder: Path | None) -> RichTable:
    table = RichTable("report", "question", "grouped by", "chart")
    for report in reports.available(folder):
        table.add_row(report.name, report.question, report.by or "", "yes" if report.chart else "")
    return table


def _console() -> Console:
    return Console(width=WIDE)
