"""The command line.

Each command is a file of its own and is imported when it is called:
`farthing report` needs no server, and `farthing serve` no progress bars.
"""

import logging
import sys
from collections.abc import Mapping
from types import MappingProxyType

import click

from router.commands.lazy import LazyGroup, run

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "demo": "See it work: simulated models, real server, real report.",
        "init": "Find local engines and provider keys, and write farthing.yaml.",
        "serve": "Serve.",
        "explain": "Say what would be tried for a request, and why; spends nothing.",
        "difficulty": "What the predictions rest on, and whether they hold; forget what was learnt.",
        "train": "Fit the classifier on own outcomes, and take it only if it is better.",
        "calibrate": "Place a model on the classifier's scale by asking it a few prompts.",
        "report": "What it cost, and what was saved.",
        "prices": "Show the price book, compare two, or find what is missing or stale in it.",
        "export": "Take the ledger along: FOCUS 1.2, or all of it as Parquet.",
        "reconcile": "Settle the ledger with what a provider says it billed.",
        "ledger": "Verify, back up, prune and compact the ledger.",
        "evaluate": "Measure the classifier on evaluation records: yours, or public ones.",
        "keys": "Make, list, limit, rotate and revoke the keys that callers use.",
        "policy": "Check, explain and test policies; say what another one would have cost.",
        "batch": "Work that can wait: submit, status, results, cancel, retry.",
        "config": "Check or show the configuration, or print its schema.",
        "learn": "Learn from the ledger (the server does this by itself).",
        "drain": "Move the spool into the ledger (the server does this by itself).",
        "page": "Answer the dashboard's questions (the server starts it).",
        "batching": "Work on batches (the server starts this by itself).",
        "engine": "Keep a vLLM engine (the server starts these by itself).",
        "worker": "Serve on an inherited socket (the server starts these by itself).",
    }
)


@click.group(cls=LazyGroup, package="router.commands", table=COMMANDS)
@click.version_option(package_name="farthing", prog_name="farthing")
def cli() -> None:
    """Give every LLM request the cheapest open-weight model that is good enough."""
    logging.basicConfig(level=logging.INFO, format="farthing: %(levelname)s %(message)s", stream=sys.stderr)


def main() -> None:
    """Run the command line."""
    run(cli)


if __name__ == "__main__":
    main()
