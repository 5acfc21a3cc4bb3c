"""`farthing policy simulate`: what a configuration would have cost on recorded traffic."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from dashboards.periods import instant
from evaluators import EVALUATORS
from router.comparing import compared
from router.config import environment, load
from router.simulating import run

SHOWN = 10
"""Flipped requests that are shown in a terminal; --json has all."""

CONFIG = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    default=Path("farthing.yaml"),
    show_default=True,
    help="The configuration whose ledger is read.",
)
SINCE = click.option("--since", metavar="TIME", help="Only what began then or later: 12h, 7d, 2026-11-01.")
PROCESSES = click.option(
    "--processes", type=click.IntRange(1, 64), help="How many share the work  [one a core]"
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with every flip.")


@click.command()
@click.argument("new", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@CONFIG
@SINCE
@PROCESSES
@JSON
def command(new: Path, path: Path, since: str | None, processes: int | None, *, as_json: bool) -> None:
    """Say what the configuration NEW would have decided and cost on the traffic in the ledger.

    Nothing is sent: decisions are made again of what the ledger keeps.
    """
    data = load(path, environ=environment(), known_checks=EVALUATORS).data
    begin = instant(since, datetime.now(UTC))
    columns = run(new, data, since=begin, processes=processes or os.cpu_count() or 1)
    told(compared(columns), as_json=as_json)


def told(found: dict[str, Any], *, as_json: bool) -> None:
    """Print a comparison."""
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    console, cost, quality = Console(), found["cost"], found["quality"]
    console.print(f"{found['requests']:,} requests, {found['flipped']:,} decided otherwise.")
    if found["decided_with_this_configuration"]:
        console.print(
            f"Of {found['decided_with_this_configuration']:,} that this very configuration decided, "
            f"{found['of_these_decided_the_same']:,} are decided the same again."
        )
    if found["refused"]:
        console.print(f"{found['refused']:,} would be refused.")
    delta, gain = cost["delta_usd"], quality["predicted_delta"]
    console.print(
        f"Cost: USD {cost['before_usd']:.6f} -> {cost['after_usd']:.6f}, "
        f"{delta['value']:+.6f} ({delta['low']:+.6f} to {delta['high']:+.6f}); "
        f"exact for {cost['exact']:.1%} of requests, expected for the rest."
    )
    console.print(
        f"Predicted quality: {gain['value']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f}) in the chance "
        "of a good first answer, as the classifier sees it."
    )
    if "doubly_robust" in quality:
        robust = quality["doubly_robust"]
        console.print(
            f"By {quality['drawn_with_outcome']:,} drawn requests with an outcome: "
            f"{robust['value']:.4f} ({robust['low']:.4f} to {robust['high']:.4f}) are good, doubly robust."
        )
    _show_flips(console, found["flips"])


def _show_flips(console: Console, flips: list[dict[str, str | None]]) -> None:
    if not flips:
        return
    table = Table(title=f"Decided otherwise (the first {min(SHOWN, len(flips))} of {len(flips):,})")
    for column in ("request", "policy", "before", "after"):
        table.add_column(column)
    for flip in flips[:SHOWN]:
        table.add_row(*(flip[name] or "refused" for name in ("request", "policy", "before", "after")))
    console.print(table)
