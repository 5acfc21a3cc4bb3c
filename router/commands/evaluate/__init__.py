"""`farthing evaluate`: measure what is predicted, on evaluation records that anyone can bring.

What the records have to look like is in `router/difficulty/README.md`.
"""

from collections.abc import Mapping
from types import MappingProxyType

import click

from router.commands.lazy import LazyGroup

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "difficulty": "How well chances and lengths are predicted.",
        "batch": "Replay recorded prompts as batches: cost at equal quality beside single models.",
        "estimate": "Whether the interval of `farthing batch estimate` holds on recorded files.",
        "cascade": "What checking answers is worth beside routing alone, at equal cost.",
        "checks": "What the free checks catch, and what they condemn by mistake.",
        "risk": "Whether promises of a failure rate are kept.",
        "routing": "What routing by these predictions saves, beside what needs no classifier.",
    }
)


@click.group(cls=LazyGroup, package="router.commands.evaluate", table=PARTS)
def command() -> None:
    """Measure on evaluation records: prompts, models, and who did how well on what."""
