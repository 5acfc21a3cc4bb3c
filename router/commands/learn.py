"""`farthing learn`: the process that learns from the ledger, beside the drainer."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from evaluators import EVALUATORS
from router.catalog import Knowledge
from router.commands.drain import STDIN, Bell
from router.config import Config, Watcher, environment
from router.errors import FarthingError
from router.learning.evidence import Forgetting
from router.learning.folder import Folder, stamp
from router.learning.job import reckon
from router.ledger.store import Ledger
from router.types import Model

LOOK_EVERY = 2.0
"""Seconds between looks at whether there is anything new."""

RESTS = 30.0
"""Seconds that pass for each second of reckoning: learning takes three per cent of a core at most."""

LEAST_REST = 3.0

log = logging.getLogger("farthing.learning")


@click.command()
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("farthing.yaml"), show_default=True
)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Instead of the configuration's."
)
@click.option("--last-good", type=click.Path(path_type=Path), help="Where a right configuration is kept.")
@click.option("--once", is_flag=True, help="Learn once and say from how much.")
def command(path: Path, data: Path | None, last_good: Path | None, *, once: bool) -> None:
    """Learn from the ledger (the server does this by itself).

    Stops on SIGTERM and SIGINT or, with a pipe for standard input, when that closes.
    """
    watcher = Watcher(path, environ=environment(), known_checks=EVALUATORS, last_good=last_good)
    learner = Learner(watcher, data or watcher.current.data)
    if once:
        click.echo(learner.learn())
    else:
        learner.keep_learning(Bell(LOOK_EVERY, parent=STDIN))


class Learner:
    """Learns whenever the ledger, the catalogue or the classifier is another one than at the last time."""

    def __init__(self, watcher: Watcher, data: Path) -> None:
        self._watcher, self._folder, self._ledger = watcher, Folder(data), Ledger(data)
        self._knowledge = Knowledge.load()
        self._seen: object = None

    def learn(self) -> str:
        """Reckon once and say from how much; raises `FarthingError`."""
        config = self._watcher.current
        local = reckon(
            self._folder,
            self._catalogue(config),
            now=datetime.now(UTC),
            forgetting=Forgetting(
                outcomes=config.learning.half_life_outcomes, days=config.learning.half_life_days
            ),
        )
        outcomes = sum(cell.outcomes for cell in local.cells)
        checked = sum(cell.checked for cell in local.cells)
        return f"Learnt from {outcomes} outcomes and {checked} verdicts of self-checks."

    def keep_learning(self, wait: Callable[[], bool]) -> None:
        """Learn, `wait`, and again until it says `False`; trouble is logged, and tried again."""
        rested = 0.0
        going = True
        while going:
            if time.monotonic() >= rested and self._is_new():
                began = time.monotonic()
                self._learn_or_say_why()
                rested = time.monotonic() + max(LEAST_REST, RESTS * (time.monotonic() - began))
            going = wait()

    def _is_new(self) -> bool:
        self._watcher.poll()
        files = (self._ledger.database, self._folder.placed, self._folder.forgotten, self._folder.current)
        seen = (self._watcher.current, *map(stamp, files))
        new, self._seen = seen != self._seen, seen
        return new and self._watcher.current.learning.enabled

    def _learn_or_say_why(self) -> None:
        try:
            log.debug("%s", self.learn())
        except (FarthingError, OSError) as error:
            self._seen = None
            log.warning("Nothing was learnt this time: %s", error)
        except Exception:
            # Whatever it is, requests are answered without it; it is tried again when there is more to learn.
            log.exception("Nothing was learnt this time")

    def _catalogue(self, config: Config) -> dict[str, Model]:
        return {model.name: self._knowledge.complete(model) for model in config.catalogue()}
