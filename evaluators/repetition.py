"""Does the answer run in circles?

Looks, every `STEP` characters, whether the last stretch is one unit again and again.
The search runs back through a bounded window, so the work is linear in the answer's length.
Cost class: free.
Limits: repetitions must be exact and side by side, their unit at most `WINDOW / repeats` characters;
what is said again in other words passes.
A unit without a letter (rulers, tables, rows of zeros) has to go on for much longer.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from evaluators.text import Scan, TextCheck
from router.types import Request

STEP = 256
WINDOW = 4_096
PROBE = 24
"""Characters whose last occurrence before tells the period."""

PLACES = (0, 97, 211)
"""Where probes are taken, from the end: one may fall on a stretch with a rhythm of its own."""

WORDLESS = 3_500
"""Characters that a unit without letters must fill."""

WORD = re.compile(r"\w+")

ASKED_FOR = re.compile(
    r"\b(?:repeat|times|over and over|wiederhol\w*|mal|fois|r[ée]p[èe]te\w*|veces|repite|vezes|volte)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition(TextCheck):
    """Fails an answer that ends in, or anywhere has, a loop."""

    name = "repetition"
    repeats: Annotated[int, Field(ge=3, le=100, description="Times a unit must stand side by side.")] = 8
    characters: Annotated[int, Field(ge=64, le=4_000, description="Characters the loop must fill.")] = 400

    def scan(self, request: Request) -> Scan:
        return _Scan(self, request)


class _Scan:
    def __init__(self, check: Repetition, request: Request) -> None:
        self._check, self._request = check, request
        self._window = ""
        self._due = STEP

    def feed(self, text: str, /) -> str | None:
        at = 0
        while len(text) - at >= self._due:
            step = text[at : at + self._due]
            at += self._due
            self._due = STEP
            self._window = (self._window + step)[-WINDOW:]
            if self._loops():
                return "one passage again and again"
        rest = text[at:]
        if rest:
            self._due -= len(rest)
            self._window += rest
        return None

    def end(self) -> str | None:
        self._window = self._window[-WINDOW:]
        return "one passage again and again" if self._loops() else None

    def _loops(self) -> bool:
        window, end = self._window, len(self._window)
        if end < self._check.characters:
            return False
        for place in PLACES:
            upto = end - place
            at = window.rfind(window[upto - PROBE : upto], 0, upto - 1)
            if at < 0:
                continue
            period = upto - PROBE - at
            filled = max(self._check.characters, self._check.repeats * period)
            if filled <= end and window[-filled:-period] == window[-filled + period :]:
                return self._counts(window[-period:])
        return False

    def _counts(self, unit: str) -> bool:
        window = self._window
        if not any(map(str.isalpha, unit)):
            filled = window[-WORDLESS:]
            return unit.strip() != "" and (
                len(filled) == WORDLESS and filled[: -len(unit)] == filled[len(unit) :]
            )
        asked = self._request.turns[-1].text if self._request.turns else ""
        wanted = ASKED_FOR.search(asked) is not None
        return not (wanted and set(WORD.findall(unit * 3)[1:-1]) <= set(WORD.findall(asked)))
