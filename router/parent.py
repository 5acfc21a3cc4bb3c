"""Noticing that whoever started this process is gone."""

import asyncio
import os
import sys
from collections.abc import Callable


def watch_parent(loop: asyncio.AbstractEventLoop, gone: Callable[[], None]) -> None:
    """Call `gone` when standard input closes: it is the parent's pipe, and dies with it."""
    descriptor = sys.stdin.fileno()

    def heard() -> None:
        if not os.read(descriptor, 1024):
            loop.remove_reader(descriptor)
            gone()

    loop.add_reader(descriptor, heard)
