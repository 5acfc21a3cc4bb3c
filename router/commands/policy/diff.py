"""`farthing policy diff`: what two configurations would have decided differently."""

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from dashboards.periods import instant
from evaluators import EVALUATORS
from router.commands.policy.simulate import CONFIG, JSON, PROCESSES, SINCE, told
from router.comparing import compared
from router.config import environment, load
from router.simulating import run


@click.command()
@click.argument("old", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("new", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@CONFIG
@SINCE
@PROCESSES
@JSON
def command(
    old: Path, new: Path, path: Path, since: str | None, processes: int | None, *, as_json: bool
) -> None:
    """Say which requests of the ledger the configurations OLD and NEW decide differently, and at what cost.

    Fails (with 1) if there are any, so that it can guard a change that should change nothing.
    """
    data = load(path, environ=environment(), known_checks=EVALUATORS).data
    begin, many = instant(since, datetime.now(UTC)), processes or os.cpu_count() or 1
    before = run(old, data, since=begin, processes=many)
    found = compared(run(new, data, since=begin, processes=many), before)
    told(found, as_json=as_json)
    raise SystemExit(1 if found["flipped"] else 0)
