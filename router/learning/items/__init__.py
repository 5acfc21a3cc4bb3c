"""Prompts of our own with answers a machine can check, graded from 1 (easy) to 5 (hard).

Each family makes a prompt from a random stream and a level; the same seed makes the same prompt, for ever.
Nothing is taken from any benchmark: names, numbers and puzzles are drawn, texts are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from router.learning.items import code, language, logic, numbers, records
from router.learning.items.item import Item, Maker

FAMILIES: Mapping[str, Maker] = MappingProxyType(
    {
        "arithmetic": numbers.arithmetic,
        "word problem": numbers.word_problem,
        "sequence": numbers.sequence,
        "order": logic.order,
        "truth": logic.truth,
        "extraction": records.extraction,
        "lookup": records.lookup,
        "format": records.formatted,
        "instructions": language.instructions,
        "letters": language.letters,
        "code": code.function,
        "tracing": code.tracing,
    }
)

LEVELS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which prompt: its family, its level and the seed it is made from."""

    family: str
    level: int
    seed: int


def make(place: Place) -> Item:
    """Make the prompt; raises `KeyError` for a family there is not."""
    return FAMILIES[place.family](
        Random(f"{place.family}/{place.level}/{place.seed}"),  # noqa: S311 - puzzles, not secrets
        place.level,
    )
