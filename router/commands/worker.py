"""`farthing worker`: serve on a socket that the supervisor opened."""

import socket
from pathlib import Path

import click
import uvloop

from evaluators import EVALUATORS
from router.catalog import Knowledge
from router.config import Watcher, environment
from router.worker import Work, Worker


@click.command(hidden=True)
@click.option("--config", "path", type=click.Path(path_type=Path), required=True)
@click.option("--fd", type=int, required=True, help="The listening socket.")
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--last-good", type=click.Path(path_type=Path), help="Where a right configuration is kept.")
@click.option("--shared-metrics", is_flag=True)
def command(path: Path, fd: int, data: Path, last_good: Path | None, *, shared_metrics: bool) -> None:
    """Serve on an inherited socket (the server starts these by itself)."""
    listener = socket.socket(fileno=fd)
    watcher = Watcher(
        path,
        environ=environment(),
        known_checks=EVALUATORS,
        complete=Knowledge.load().complete,
        listening=listener.getsockname()[0],
        last_good=last_good,
    )
    work = Work(watcher=watcher, listener=listener, data=data, shared_metrics=shared_metrics)
    uvloop.run(_run(work))


async def _run(work: Work) -> None:
    await Worker(work).run()
