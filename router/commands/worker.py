"""`farthing worker`: serve on a socket that the supervisor opened."""

import socket
from pathlib import Path

import click
import uvloop

from evaluators import EVALUATORS
from router.config import Watcher, environment
from router.worker import Work, Worker


@click.command(hidden=True)
@click.option("--config", "path", type=click.Path(path_type=Path), required=True)
@click.option("--fd", type=int, required=True, help="The listening socket.")
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--shared-metrics", is_flag=True)
def command(path: Path, fd: int, data: Path, *, shared_metrics: bool) -> None:
    """Serve on an inherited socket (the server starts these by itself)."""
    watcher = Watcher(path, environ=environment(), known_checks=EVALUATORS.keys())
    config = watcher.current
    work = Work(watcher=watcher, listener=socket.socket(fileno=fd), data=data, shared_metrics=shared_metrics)
    uvloop.run(_run(Worker(config, work)))


async def _run(worker: Worker) -> None:
    await worker.run()
