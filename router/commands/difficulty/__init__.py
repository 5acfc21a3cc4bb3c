"""`farthing difficulty`: what the predictions rest on, and forgetting what was learnt."""

from collections.abc import Mapping
from types import MappingProxyType

import click

from router.commands.lazy import LazyGroup

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "status": "What is in force, what was learnt, and whether promises hold.",
        "reset": "Forget what was learnt from traffic, or where models were placed.",
    }
)


@click.group(cls=LazyGroup, package="router.commands.difficulty", table=PARTS)
def command() -> None:
    """Look at what the predictions rest on."""
