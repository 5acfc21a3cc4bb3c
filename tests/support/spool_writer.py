"""A process that writes to the spool as fast as a busy worker, and notes what it was told is written.

`python -m tests.support.spool_writer SPOOL WHO NOTES`: entry n of this process is request `WHO-n`;
NOTES is as many bytes long as entries were acknowledged, whenever the process is killed.
"""

import os
import sys
import threading
import time
from itertools import count
from pathlib import Path

from router.ledger.spool import Spool
from tests.support.entries import entry


def keep_syncing(spool):
    while True:
        spool.sync()
        time.sleep(0.2)


def main(folder, who, notes):
    spool = Spool(Path(folder), who.partition("-")[0], max_age=0.2)
    told = os.open(notes, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    threading.Thread(target=keep_syncing, args=(spool,), daemon=True).start()
    numbers = count()
    for turn in count():
        # Requests take one attempt or several, which are written together.
        batch = [entry(request_id=f"{who}-{next(numbers)}") for _ in range(1 + turn % 3)]
        spool.write(batch)
        os.write(told, b"." * len(batch))
        spool.tick()
        time.sleep(0.001)


if __name__ == "__main__":
    main(*sys.argv[1:])
