"""Processes for tests to kill: writers as fast as a busy worker, and a drainer."""

import os
import threading
import time
from itertools import count
from pathlib import Path

from router.ledger.drain import keep_draining
from router.ledger.kinds import OUTCOMES
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from router.records import UserOutcome
from tests.support.entries import NOW, entry


def write_for_ever(folder, who, notes):
    """Write entry n as request `who-n`, and what its user made of it.

    `notes` is as long in bytes as entries were acknowledged.
    """
    spool = Spool(Path(folder), who.partition("-")[0], max_age=0.2)
    outcomes = Spool(Path(folder), who.partition("-")[0], OUTCOMES, max_age=0.2)
    told = os.open(notes, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    threading.Thread(target=_keep_syncing, args=(spool, outcomes), daemon=True).start()
    numbers = count()
    for turn in count():
        # Requests take one attempt or several, which are written together.
        batch = [entry(request_id=f"{who}-{next(numbers)}") for _ in range(1 + turn % 3)]
        spool.write(batch)
        outcomes.write([UserOutcome(time=NOW, request_id=one.request_id, source="user") for one in batch])
        os.write(told, b"." * len(batch))
        spool.tick()
        outcomes.tick()
        time.sleep(0.001)


def _keep_syncing(*spools):
    while True:
        for spool in spools:
            spool.sync()
        time.sleep(0.2)


def drain_for_ever(data):
    """Drain twenty times a second; where a drain takes longer, leave readers as long."""
    woken = time.monotonic()

    def wait():
        nonlocal woken
        time.sleep(max(0.05, time.monotonic() - woken))
        woken = time.monotonic()
        return True

    keep_draining(Ledger(Path(data)), wait)
