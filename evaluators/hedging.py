"""Does the model say that it does not know?

Cost class: free.
Limits: looks for set phrases, in English, German, French and Spanish, near the beginning and the end.
Saying so may be the right answer: use it where a stronger model would know.
"""

import re
from dataclasses import dataclass

from evaluators.text import Scan, TextCheck
from router.types import Request

HEAD, TAIL = 300, 300
"""Characters at both ends that are looked at: what stands between is argument."""

PHRASES = re.compile(
    r"""
      \bi(?:'m|\ am)\ (?:not\ (?:entirely\ |completely\ |quite\ |really\ )?(?:sure|certain)|unsure)\b
    | \bi\ (?:do\ not|don't)\ (?:actually\ )?know\ the\ (?:answer|exact)
    | \bi\ (?:do\ not|don't)\ (?:actually\ )?have\ (?:enough|access|any\ information|real-time|up-to-date)
    | \b(?:there\ is|there's)\ (?:not\ enough|insufficient)\ (?:information|context|data)
    | \b(?:it\ is|it's)\ (?:impossible|not\ possible)\ to\ (?:determine|say|answer|tell)\b
    | \bcannot\ be\ determined\b | \bmy\ knowledge\ cut-?off | \bas\ of\ my\ last\ (?:knowledge\ )?update
    | \bnone\ of\ the\ (?:above|options|choices|given\ (?:options|choices))\b
    | \bich\ (?:bin\ (?:mir\ )?nicht\ sicher|weiß\ (?:es\ )?(?:leider\ )?nicht)\b
    | \bje\ ne\ (?:sais\ pas|suis\ pas\ (?:sûre?|certaine?))\b
    | \bno\ (?:estoy\ segur[oa]|sé\ la\ respuesta)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)

HINTS = (
    *(
        "sure",
        "certain",
        "know",
        "have",
        "enough",
        "insufficient",
        "possible",
        "determined",
        "cutoff",
        "cut-off",
    ),
    *("last", "none of", "nicht", "je ne", "no es", "no s\u00e9"),
)
"""One of these is in whatever `PHRASES` matches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging(TextCheck):
    """Fails an answer that admits, at its beginning or its end, not to be one."""

    name = "hedging"

    def scan(self, request: Request) -> Scan:  # noqa: ARG002 - the seam
        return _Scan()


class _Scan:
    def __init__(self) -> None:
        self._head, self._tail = "", ""

    def feed(self, text: str, /) -> str | None:
        self._tail = (self._tail + text)[-TAIL:]
        more = text[: HEAD - len(self._head)]
        if not more:
            return None
        self._head += more
        return _hedges(self._head)

    def end(self) -> str | None:
        return _hedges(self._tail)


def _hedges(text: str) -> str | None:
    lowered = text.lower().replace("\u2019", "'")
    if any(hint in lowered for hint in HINTS) and PHRASES.search(lowered):
        return "it says that it does not know"
    return None
