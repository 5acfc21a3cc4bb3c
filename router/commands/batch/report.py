"""`farthing batch report ID`: what became of a batch, while it runs or after."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import click
from rich.console import Console

from batch.jobs import Batch, State
from batch.place import Place
from dashboards import reports
from dashboards.render import FORMATS, as_rich
from dashboards.tables import Cell, Table, column
from evaluators import EVALUATORS
from router.commands.options import CONFIG
from router.commands.report import USUAL_CONFIG, WIDE, freshen, ledger_of
from router.config import environment, load
from router.errors import FarthingError, UnknownObject
from router.ledger.store import Ledger

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "models": "batches",
        "costs": "overview",
        "escalations": "escalations",
        "checks": "checks",
        "failures": "failures",
    }
)
"""The parts after the first, and the reports they are: those of `farthing report`, of this batch alone."""

STANDING = "standing"

APART = (
    "Machines that share a store keep a ledger each: `standing` is what all of them did, "
    "every other part tells of this machine's calls alone."
)


@click.command()
@click.argument("batch_id")
@CONFIG
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of spool, ledger and batches, instead.  [farthing-data]",
)
@click.option("--part", type=click.Choice([STANDING, *PARTS]), help="This part alone.")
@click.option("--format", "form", type=click.Choice(["table", *FORMATS]), default="table", show_default=True)
def command(batch_id: str, path: Path | None, data: Path | None, part: str | None, form: str) -> None:
    """Say what each model did for a batch, what escalated and why, what failed, and what it cost.

    The cost stands against that of all lines on the strongest model, with an interval.
    It is read from this machine's ledger, also while the batch runs: where several machines share a store,
    only the first part is of all of them.
    """
    folder = data or ledger_of(path)
    shared = _shared(path)
    batch = _batch(folder, batch_id, shared)
    freshen(Ledger(folder))
    if form == "csv" and part is None:
        raise click.UsageError("CSV is one table: say which with --part.")
    tables = {name: table for name, table in _tables(folder, batch).items() if part in {None, name}}
    if form == "table":
        console = Console(width=WIDE)
        for table in tables.values():
            if table.rows:
                console.print(as_rich(table))
    elif form == "json" and part is None:
        whole = {name: json.loads(FORMATS["json"](table)) for name, table in tables.items()}
        about = {"batch": batch_id, **({"note": APART} if shared else {})}
        click.echo(json.dumps(about | whole, indent=2))
    else:
        click.echo("\n".join(FORMATS[form](table) for table in tables.values() if table.rows or part))
    if shared and part != STANDING:
        click.echo(f"farthing: {APART}", err=True)


def _shared(path: Path | None) -> str | None:
    """Say where batches are that several machines work on, if the configuration says so."""
    path = path or USUAL_CONFIG
    if not path.exists():
        return None
    return load(path, environ=environment(), known_checks=EVALUATORS).batch.url


def _batch(data: Path, batch_id: str, url: str | None) -> Batch:
    place = Place.within(data, url)
    batch = place.open()[0].batch(batch_id) if url is not None or place.folder.is_dir() else None
    if batch is None:
        raise UnknownObject(f"There is no batch {batch_id[:80]!r} in {data}.")
    return batch


def _tables(data: Path, batch: Batch) -> dict[str, Table]:
    tables = {STANDING: _standing(batch, datetime.now(UTC).timestamp())}
    for name, report in PARTS.items():
        try:
            tables[name] = reports.run(data, report, where=[f"batch={batch.id}"])
        except FarthingError as error:
            raise FarthingError(f"{report}: {error}") from error
    return tables


def _standing(batch: Batch, now: float) -> Table:
    """Where it stands: lines, time and speed, its cap and its deadline."""
    counts, stamps = batch.counts, batch.stamps
    began = stamps.get("in_progress_at")
    ended = max((at for name, at in stamps.items() if name != "in_progress_at"), default=now)
    seconds = (ended if batch.state.over else now) - began if began is not None else None
    done = counts.completed + counts.failed
    speed = done / seconds if seconds else None
    running = batch.state is State.IN_PROGRESS
    row: dict[str, Cell] = {
        "batch": batch.id,
        "status": str(batch.state),
        "lines": counts.total,
        "completed": counts.completed,
        "failed": counts.failed,
        "given_up": counts.dropped,
        "left": counts.left,
        "created_at": _instant(batch.created),
        "deadline": _instant(batch.deadline),
        "took_ms": round(seconds * 1000) if seconds is not None else None,
        "lines_per_second": round(speed, 3) if speed else None,
        "ends_about": _instant(now + counts.left / speed) if running and speed else None,
        "spend_picodollars": counts.spent,
        "cap_picodollars": batch.max_cost,
    }
    return Table(
        title="Batch",
        question="Where does it stand?",
        columns=tuple(column(name) for name in row),
        rows=(tuple(row.values()),),
        card=True,
    )


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
