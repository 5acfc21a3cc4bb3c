"""Starting a process of ours as a copy of this one: what is loaded here lies in memory once, for all of them.

A copy has this process's modules and data, and nothing else of it: no descriptors but those it is given,
no signal handlers, a group and a name of its own. It never returns to where it was made.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypeAlias

from setproctitle import setproctitle

Run: TypeAlias = Callable[[Sequence[str]], None]
"""Runs a command of ours by its words; may raise `SystemExit`."""

OWN = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
"""Signals for which a process that makes others may have handlers of its own."""


def started(
    words: Sequence[str], run: Run, *, keep: Collection[int], environment: Mapping[str, str] | None
) -> tuple[int, int]:
    """Start a command of ours, and return its process id and the writing end of its standard input.

    With an `environment` it is a program of its own. Only for a process with a single thread.
    """
    reading, writing = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # or it would be written twice
    # A signal that comes before the copy has put off our handlers would be told to us.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, OWN)
    process = os.fork()
    if process == 0:
        _become(words, run, reading, keep, environment, blocked)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    os.close(reading)
    return process, writing


def _become(
    words: Sequence[str],
    run: Run,
    stdin: int,
    keep: Collection[int],
    environment: Mapping[str, str] | None,
    mask: Collection[signal.Signals | int],
) -> NoReturn:
    """Be another process, until its end."""
    status = 1
    try:
        _let_go(stdin, keep, mask)
        if environment is not None:
            python = [sys.executable, "-m", "router", *words]
            os.execve(sys.executable, python, dict(environment))  # noqa: S606 - no shell is wanted
        setproctitle(" ".join(["farthing", *words]))
        run(words)
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - it ends here, whatever it is
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        # Not back to whoever made this process: what is to be cleaned up there is not ours.
        os._exit(status)


def _let_go(stdin: int, keep: Collection[int], mask: Collection[signal.Signals | int]) -> None:
    """Let go of all that was inherited but modules, data and `keep`."""
    signal.set_wakeup_fd(-1)
    for number in OWN:
        signal.signal(number, signal.SIG_DFL)
    # Whoever has something to read again says so; nobody is to end by it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    # Ctrl-C is for the one that made it, which stops the others in their order.
    # No session of its own: Linux shares cores by sessions, and may starve one that seldom works.
    os.setpgid(0, 0)
    os.dup2(stdin, 0)
    for descriptor in [int(path.name) for path in Path("/dev/fd").iterdir()]:
        if descriptor > 2 and descriptor not in keep:
            with suppress(OSError):
                os.close(descriptor)
    for descriptor in keep:
        os.set_inheritable(descriptor, True)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as it lives
