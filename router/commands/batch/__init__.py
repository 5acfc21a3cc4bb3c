"""`farthing batch`: work that can wait, from the command line; it talks to a running server."""

from collections.abc import Mapping
from types import MappingProxyType

import click

from router.commands.lazy import LazyGroup

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "estimate": "What a file will cost and how long it takes, before it is submitted.",
        "submit": "Upload a file of requests and make a batch of it.",
        "ray": "Work through one huge file by Ray Data, without uploading it.",
        "status": "Where batches stand; --watch follows one to its end.",
        "report": "What each model did, what escalated and why, what it cost and would have cost.",
        "results": "Write what became of each line.",
        "cancel": "Stop a batch; what is done is kept.",
        "retry": "Try the lines that failed once more.",
    }
)


@click.group(cls=LazyGroup, package="router.commands.batch", table=PARTS)
def command() -> None:
    """Submit batches and follow them."""
