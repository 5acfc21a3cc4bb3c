"""`farthing batch estimate FILE`: what a batch will cost and how long it takes, before it is submitted."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from batch.forecast import LEARNT, SHIPPED
from batch.intake import Unreadable
from batch.jobs import ENDPOINTS
from batch.tempo import Speed
from evaluators import EVALUATORS
from router.commands.batch.figures import duration, figures, usd
from router.config import Config, OpenAIUpstream, environment, load
from router.errors import FarthingError
from router.foreseeing import Foreseen, Foresight, ways_of
from router.ledger.runs import runs
from router.ledger.store import Ledger, reading

SHOWN = 10
"""Lines in trouble that are shown in a terminal; JSON has all."""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("farthing.yaml"),
    show_default=True,
    help="The configuration the batch would meet.",
)
@click.option("--policy", "policies", multiple=True, help="As if every line asked for this one; repeatable.")
@click.option("--all", "everything", is_flag=True, help="Every policy of the configuration.")
@click.option("--endpoint", type=click.Choice(list(ENDPOINTS)), help="[what the first line says]")
@click.option(
    "--sample", type=click.IntRange(min=50), help="Look at so many lines, drawn by chance  [at every line]"
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(
    file: Path,
    config_path: Path,
    policies: tuple[str, ...],
    endpoint: str | None,
    sample: int | None,
    form: str,
    *,
    everything: bool,
) -> None:
    """Say what FILE (JSONL, as for OpenAI's Batch API) will cost as a batch, and how long it will take.

    Nothing is sent and nothing is spent: every line is decided as it would be, on this machine.
    Costs are given with an interval that nine files in ten keep to; `most`, were every answer as long as it
    may be and rejected, is what to give to `farthing batch submit --max-cost-usd` if no line may fail for it.
    """
    config = load(config_path, environ=environment(), known_checks=EVALUATORS)
    foresight = Foresight(config)
    ways = ways_of(foresight.house, policies, everything=everything)
    try:
        found = _looked_at(foresight, file, endpoint, ways, sample)
    except Unreadable as unreadable:
        raise FarthingError(str(unreadable)) from None
    told = figures(found, SHIPPED.mixed(LEARNT, found.learnt), _speeds(config))
    told["notes"] += _windows(config)
    if form == "json":
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    else:
        _show(file, told)


def _looked_at(
    foresight: Foresight, file: Path, endpoint: str | None, ways: Sequence[str], sample: int | None
) -> Foreseen:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("looking at lines", total=None)

        def told(done: int, of: int) -> None:
            if done % 100 == 0:
                progress.update(task, total=of, completed=done)

        return foresight.file(file, endpoint, ways, sample=sample, told=told)


def _speeds(config: Config) -> Sequence[Speed]:
    ledger = Ledger(config.data)
    if not ledger.database.exists():
        return ()
    with reading(ledger) as connection:
        return runs(connection, datetime.now(UTC))


def _windows(config: Config) -> list[str]:
    """Say of engines with hours that only these are counted."""
    pools = {name: row.pool for name, row in config.upstreams.items() if isinstance(row, OpenAIUpstream)}
    closed = [name for name, pool in pools.items() if pool is not None and pool.windows]
    if not closed:
        return []
    return [f"Times at {', '.join(closed)} are of work; hours outside the pool's windows add to them."]


def _show(file: Path, told: dict[str, Any]) -> None:
    console = Console()
    lines = told["lines"]
    sampled = f", estimated from {lines['measured']:,} drawn by chance" if lines["sampled"] else ""
    console.print(f"{file.name}: {lines['total']:,} lines{sampled}, {lines['in_trouble']:,} in trouble.")
    table = Table(title="USD and time, each with the interval that nine files in ten keep to", box=None)
    table.add_column("answered by")
    for name in ("cost", "between", "most", "time", "between"):
        table.add_column(name, justify="right", no_wrap=True)
    for way in told["ways"]:
        cost, time = way["cost_usd"], way["seconds"]
        table.add_row(
            way["way"],
            usd(cost["likely"]),
            f"{usd(cost['low'])}-{usd(cost['high'])}",
            usd(cost["most"]),
            duration(time["likely"]),
            f"{duration(time['low'])}-{duration(time['high'])}" if time["likely"] is not None else "",
        )
    console.print(table)
    for way in told["ways"]:
        _details(console, way)
    for trouble in told["troubles"][:SHOWN]:
        console.print(f"- {trouble['message']}", style="yellow", highlight=False)
    if len(told["troubles"]) > SHOWN:
        console.print(f"- and {len(told['troubles']) - SHOWN:,} more (--format json has all)", style="yellow")
    for way in told["ways"]:
        for part in way["upstreams"]:
            console.print(
                f"{way['way']}, time at {part['upstream']}: {_timed(part)}",
                highlight=False,
            )
    for note in told["notes"]:
        console.print(note, highlight=False)


def _details(console: Console, way: dict[str, Any]) -> None:
    models = "; ".join(
        f"{each['model']} {each['calls']:,} calls ({usd(each['cost_usd'])})" for each in way["models"]
    )
    console.print(f"{way['way']}: {models or 'nothing'}", highlight=False)
    for reason, count in way["reasons"].items():
        console.print(f"  no model may serve {count:,} lines: {reason}", highlight=False)


def _timed(part: dict[str, Any]) -> str:
    return f"{duration(part['likely'])} ({part['source']})" if part["likely"] is not None else part["source"]
