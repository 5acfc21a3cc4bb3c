"""`farthing drain`: the process that writes the ledger."""

import logging
import os
import select
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import click

from router.catalog.machines import FILE
from router.commands.options import DATA
from router.ledger import kept
from router.ledger.drain import drain_once, keep_draining
from router.ledger.speeds import refresh
from router.ledger.store import Ledger

STDIN = 0

MEASURE_EVERY = 300.0
"""Seconds between two looks at how fast own machines are."""

log = logging.getLogger("farthing.ledger")


class Bell:
    """Rings once an interval, says `True`: go on; or `False`, at once, when it is time to stop.

    That is on SIGTERM and SIGINT; but if standard input is a pipe, it is a parent's, who gets a terminal's
    SIGINT too and decides what comes of it: then it is time when the pipe closes, however the parent died.
    """

    def __init__(self, interval: float, parent: int) -> None:
        self._interval = interval
        self._parent = parent if _is_pipe(parent) else None
        self._signals, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGTERM, _heard)
        signal.signal(signal.SIGINT, _heard if self._parent is None else signal.SIG_IGN)

    def __call__(self) -> bool:
        watched = [self._signals] if self._parent is None else [self._signals, self._parent]
        ready, _, _ = select.select(watched, [], [], self._interval)
        if self._signals in ready:
            return False
        return self._parent not in ready or os.read(self._parent, 4096) != b""


class Measuring:
    """A bell that between its rings measures own machines, once in so many seconds."""

    def __init__(self, ledger: Ledger, bell: Callable[[], bool]) -> None:
        self._ledger, self._bell = ledger, bell
        self._due = time.monotonic() + MEASURE_EVERY

    def __call__(self) -> bool:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + MEASURE_EVERY
            try:
                refresh(self._ledger, self._ledger.data / FILE)
            except Exception:
                # Whatever it is, the ledger is drained without it.
                log.exception("The speeds of own machines could not be measured")
        return self._bell()


def _heard(number: int, frame: object) -> None:
    """Let the wakeup descriptor tell; a handler of its own keeps the signal from ending the process."""


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


@click.command()
@DATA
@click.option("--once", is_flag=True, help="Drain once and say what was moved.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.01),
    default=0.5,
    show_default=True,
    help="Seconds between two drains.",
)
@click.option(
    "--keep-gb",
    type=click.FloatRange(min=0),
    default=kept.MOST_BYTES / 1e9,
    help="So much of what is drained is kept to make the ledger anew if its file is damaged.",
)
def command(data: Path, *, once: bool, interval: float, keep_gb: float) -> None:
    """Move the spool into the ledger (the server does this by itself).

    Stops on SIGTERM and SIGINT or, with a pipe for standard input, when that closes; then drains a last time.
    """
    if not once:
        bell = Measuring(Ledger(data), Bell(interval, parent=STDIN))
        keep_draining(Ledger(data), bell, most_kept=round(keep_gb * 1e9))
        return
    drained = drain_once(Ledger(data))
    if drained is None:
        click.echo("Another process is draining this spool.")
    else:
        click.echo(f"{drained.rows} rows of {drained.segments} segments are in the ledger now.")
