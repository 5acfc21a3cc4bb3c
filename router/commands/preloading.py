"""What the processes of a server share: loaded once by the one that the others are forked from."""

import gc

from router.catalog import Knowledge
from router.commands import batching, worker
from router.difficulty import load
from router.features import vocabulary

COMMANDS = (worker.command, batching.command)
"""They bring what they import with them. The drainer's DuckDB is not among it: no worker is to have that."""


def preload() -> None:
    """Load the vocabulary, the shipped classifier and the price book; takes about a second.

    Each is kept by its loader, so that whoever asks for it later gets what is here.
    """
    vocabulary()
    load()
    Knowledge.load()
    # The collector would write to every page it looks at, and so make a copy of it.
    gc.collect()
    gc.freeze()
