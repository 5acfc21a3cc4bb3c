"""`farthing policy`: look at policies as at code: check, explain, test, compare."""

from collections.abc import Mapping
from types import MappingProxyType

import click

from router.commands.lazy import LazyGroup

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "check": "Say what is wrong with the policies of a file, and what is doubtful today.",
        "explain": "Say what would be tried for a request, or was for a past one, and why.",
        "test": "Try cases: this request, these models, that one first. Fails if one does.",
        "simulate": "Say what a configuration would have cost on recorded traffic; asks no model.",
        "diff": "Say what two configurations would have decided differently.",
    }
)


@click.group(cls=LazyGroup, package="router.commands.policy", table=PARTS)
def command() -> None:
    """Check, explain and test policies; say what another one would have cost."""
