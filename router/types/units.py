"""What amounts are in, and the empty mapping that all share."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Picodollars: TypeAlias = int
"""A millionth of a millionth of a US dollar; one dollar per million tokens is 1,000,000 a token."""

DOLLAR: Picodollars = 10**12

NOTHING: Mapping[str, Any] = {}
"""The shared empty mapping for fields that are rarely filled; never written to."""


def nothing() -> Mapping[str, Any]:
    """Make the default of such a field."""
    return NOTHING
