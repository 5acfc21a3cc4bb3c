"""The small words of the language: names with wildcards, ranges, and what they may be compared with."""

from collections.abc import Callable, Iterable
from fnmatch import translate
from re import compile as compiled
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

WILD = frozenset("*?[")


class Words(BaseModel):
    """A part of the language: what it does not name is an error, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=300)]

Names: TypeAlias = Text | Annotated[tuple[Text, ...], Field(min_length=1)]
"""One name or several; `*` and `?` stand for any letters."""


class Range(Words):
    """Bounds of a number; what is left out is open."""

    at_least: Annotated[float | None, Field(allow_inf_nan=False, description="Not less than this.")] = None
    at_most: Annotated[float | None, Field(allow_inf_nan=False, description="Not more than this.")] = None
    below: Annotated[float | None, Field(allow_inf_nan=False, description="Less than this.")] = None

    @model_validator(mode="after")
    def _holds_something(self) -> "Range":
        if (self.at_least, self.at_most, self.below) == (None, None, None):
            raise ValueError("needs a bound: 'at_least', 'at_most' or 'below'")
        low = self.at_least
        if low is not None and (
            (self.at_most is not None and low > self.at_most)
            or (self.below is not None and low >= self.below)
        ):
            raise ValueError("holds no number: its lower bound is above its upper one")
        return self

    def __contains__(self, number: object) -> bool:
        return (
            isinstance(number, int | float)
            and (self.at_least is None or number >= self.at_least)
            and (self.at_most is None or number <= self.at_most)
            and (self.below is None or number < self.below)
        )

    def within(self, other: "Range") -> bool:
        """Tell whether every number of this range is in `other` too."""
        low = other.at_least is None or (self.at_least is not None and self.at_least >= other.at_least)
        tops = [top for top in (self.at_most, self.below) if top is not None]
        top = min(tops, default=None)
        most = other.at_most is None or (top is not None and top <= other.at_most)
        less = other.below is None or (
            (self.below is not None and self.below <= other.below)
            or (self.at_most is not None and self.at_most < other.below)
        )
        return low and most and less

    def __str__(self) -> str:
        said = {"at least": self.at_least, "at most": self.at_most, "below": self.below}
        return " and ".join(f"{word} {number:,g}" for word, number in said.items() if number is not None)


def several(names: Any) -> tuple[str, ...]:
    """Give names as a tuple, one or several or none."""
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)


def is_wild(name: str) -> bool:
    return not WILD.isdisjoint(name)


def matcher(names: Iterable[str]) -> Callable[[str | None], bool]:
    """Tell whether a text is one of `names`, wildcards included; `None` never is."""
    plain = frozenset(name for name in names if not is_wild(name))
    wild = tuple(compiled(translate(name)).match for name in names if is_wild(name))
    if not wild:
        return plain.__contains__
    return lambda text: text is not None and (text in plain or any(match(text) for match in wild))
