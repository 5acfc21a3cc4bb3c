"""Hearing at once that a batch has come, was cancelled or can be worked on, rather than at the next look."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

CHANNEL = "farthing_batch"

PATIENCE = 1.0
"""Seconds between two looks whether to go on, and to a new attempt where the database is away."""

log = logging.getLogger("farthing.batch")


class Listener:
    """A thread with a connection of its own, which calls `wake` for each piece of news."""

    def __init__(self, url: str, wake: Callable[[], object]) -> None:
        self._url, self._wake, self._stop = url, wake, threading.Event()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen while the block lasts."""
        thread = threading.Thread(target=self._keep, name="farthing-listener", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(PATIENCE * 2)

    def _keep(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except psycopg.OperationalError as error:
                # Looks go on without it, only later.
                log.debug("nothing is heard of batches until the database is back: %s", error)
                self._stop.wait(PATIENCE)

    def _listen(self) -> None:
        with psycopg.connect(self._url, autocommit=True, application_name="farthing") as db:
            db.execute(f"LISTEN {CHANNEL}".encode())
            self._wake()  # for what came before
            while not self._stop.is_set():
                for _ in db.notifies(timeout=PATIENCE, stop_after=1):
                    self._wake()
