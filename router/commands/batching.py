"""`farthing batching`: the process that works on batches."""

from pathlib import Path

import click
import uvloop

from batch.place import Place
from evaluators import EVALUATORS
from router.batching import Batching, BatchWork
from router.config import Watcher, environment


@click.command(hidden=True)
@click.option("--config", "path", type=click.Path(path_type=Path), required=True)
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--listening", help="The address the server listens on.")
@click.option("--last-good", type=click.Path(path_type=Path), help="Where a right configuration is kept.")
def command(path: Path, data: Path, listening: str | None, last_good: Path | None) -> None:
    """Work on batches (the server starts this by itself)."""
    watcher = Watcher(
        path,
        environ=environment(),
        known_checks=EVALUATORS,
        listening=listening,
        last_good=last_good,
    )
    place = Place.within(data, watcher.current.batch.url)
    uvloop.run(_run(BatchWork(watcher=watcher, data=data, place=place)))


async def _run(work: BatchWork) -> None:
    await Batching(work).run()
