"""One prompt, what a right answer is, and how answers are read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

FENCE = re.compile(r"```[a-zA-Z]*\n(.*?)```", re.DOTALL)
SAID = re.compile(r"answer\s*(?:is|:)\s*(.+)", re.IGNORECASE)
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
LAST_LINE = "\n\nEnd with one line of the form `Answer: ...`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A prompt with the check of its answers; `answer` is one that is right, `wrong` one that is not."""

    prompt: str
    answer: str
    wrong: str
    check: Callable[[str], bool]


Maker: TypeAlias = Callable[[Random, int], Item]


def said(text: str) -> str:
    """Return what a reply gives as its answer: what follows the last "Answer:", else its last line."""
    found = SAID.findall(text)
    if found:
        return str(found[-1]).strip().strip("*`_. ")
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip().strip("*`_. ") if lines else ""


def number_in(text: str) -> float | None:
    """Return the last number of an answer, `None` if there is none."""
    found = NUMBER.findall(said(text))
    return float(found[-1].replace(",", "")) if found else None


def fenced(text: str) -> str:
    """Return the last fenced block of a reply, or all of it if it has none."""
    found = FENCE.findall(text)
    return str(found[-1]) if found else text


def about_number(prompt: str, value: int) -> Item:
    """Make an item whose answer is a whole number."""
    return Item(
        prompt=prompt + LAST_LINE,
        answer=f"Answer: {value}",
        wrong=f"Answer: {value + 1}",
        check=lambda text: number_in(text) == value,
    )


def about_words(prompt: str, value: str, wrong: str) -> Item:
    """Make an item whose answer is a word or a few, compared without case, spacing and punctuation."""
    return Item(
        prompt=prompt + LAST_LINE,
        answer=f"Answer: {value}",
        wrong=f"Answer: {wrong}",
        check=lambda text: plain(said(text)) == plain(value),
    )


def plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))
