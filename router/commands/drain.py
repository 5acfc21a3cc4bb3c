"""Temporary: to be replaced by the ledger helper's."""

import select
import signal
import sys
from pathlib import Path

import click

from router.ledger.drain import keep_draining
from router.ledger.store import Ledger


@click.command(hidden=True)
@click.option("--data", type=click.Path(path_type=Path), required=True)
def command(data: Path) -> None:
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    signal.signal(signal.SIGINT, lambda *_: stop.append(1))

    def wait() -> bool:
        if stop:
            return False
        ready, _, _ = select.select([sys.stdin], [], [], 0.5)
        return not (stop or ready)

    keep_draining(Ledger(data), wait)
