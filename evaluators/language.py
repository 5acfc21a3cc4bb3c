"""Does the answer speak the language of the user, or one that the request names?

Languages of one script are told apart by their commonest words, others by their letters.
Cost class: free.
Limits: ten languages in Latin script, and the languages of other scripts taken together with those that
share it; a short text, or one that is mostly code or names, is not judged.
A request that names a language (a translation, "answer in French") may be answered in that language too.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from types import MappingProxyType

from evaluators.fences import Fences
from evaluators.text import Scan, TextCheck
from router.types import Request

HEAD = 400
"""Characters of prose whose language is the answer's."""

ENOUGH = 4
"""Different common words of one language that tell it, if they are twice as many as of any other."""

FOREIGN = 100
"""Letters of a script that nobody asked for."""

LONGEST_REQUEST = 1_000

WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        name: frozenset(word for word in common.split() if len(word) > 1)
        for name, common in {
            "en": "the of and to in is that it was for with as are this be by not have from you which or at",
            "de": "der die und das ist nicht ein eine zu den mit sich auf für dem des von im auch wird sind",
            "fr": "le la les des et est une un du que dans pour qui pas sur au par ne ce il sont vous nous",
            "es": "el la los las y es una un del que en por no con para se su al como más lo son está",
            "it": "il la di che e è un una per non sono del della con si le i gli nel da come più questo",
            "pt": "o a os as que e é um uma do da em não para com se por mais dos das no na são como",
            "nl": "de het een en van is dat niet in op te zijn voor met er aan die ook wordt je ik deze om",
            "sv": "och det att en som är inte på för med av den till har ett jag om kan de var så men",
            "pl": "i w na nie z się jest do to że o jak za od ale po co tak dla przez są czy jego może",
            "tr": "ve bir bu da de için ile çok olarak daha gibi olan ne var kadar değil sonra ama ben en",
        }.items()
    }
)

SPOKEN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        word: tuple(name for name, common in WORDS.items() if word in common)
        for word in frozenset().union(*WORDS.values())
    }
)
"""Whose word it is."""

SCRIPTS: Mapping[str, re.Pattern[str]] = {
    "Cyrillic": re.compile("[\u0400-\u04ff]"),
    "Greek": re.compile("[\u0370-\u03ff]"),
    "Hebrew": re.compile("[\u0590-\u05ff]"),
    "Arabic": re.compile("[\u0600-\u06ff]"),
    "Indic": re.compile("[\u0900-\u0dff]"),
    "Thai": re.compile("[\u0e00-\u0e7f]"),
    "Hangul": re.compile("[\uac00-\ud7af]"),
    "Han": re.compile("[\u3040-\u30ff\u3400-\u9fff]"),
}

LATIN = re.compile("[A-Za-z\u00c0-\u024f]+")

NAMED: Sequence[str] = (
    *(
        "english",
        "englisch",
        "anglais",
        "ingl\u00e9s",
        "ingl\u00eas",
        "german",
        "deutsch",
        "allemand",
        "alem\u00e1n",
    ),
    *(
        "french",
        "franz\u00f6s",
        "fran\u00e7ais",
        "franc\u00e9s",
        "franc\u00eas",
        "spanish",
        "spanisch",
        "espa\u00f1ol",
    ),
    *(
        "espagnol",
        "italian",
        "italien",
        "portug",
        "dutch",
        "niederl\u00e4nd",
        "nederlands",
        "swedish",
        "schwedisch",
    ),
    *(
        "svenska",
        "polish",
        "polnisch",
        "polsk",
        "turkish",
        "t\u00fcrk",
        "russian",
        "russisch",
        "ukrainian",
        "greek",
    ),
    *(
        "hebrew",
        "arabic",
        "hindi",
        "thai",
        "korean",
        "chinese",
        "chinesisch",
        "mandarin",
        "cantonese",
        "japan",
    ),
    *(
        "latin",
        "translat",
        "\u00fcbersetz",
        "traduc",
        "traduz",
        "traduis",
        "language",
        "sprache",
        "langue",
        "idioma",
    ),
    *(
        "lingua",
        "\u8bd1",
        "\u8bed",
        "\u82f1\u6587",
        "\u65e5\u672c",
        "\u043f\u0435\u0440\u0435\u0432\u043e\u0434",
        "\u0430\u043d\u0433\u043b\u0438",
    ),
)
"""Beginnings of words that say a language may be another than the user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language(TextCheck):
    """Fails an answer in a language that is neither the user's nor named in the request."""

    name = "language"

    def scan(self, request: Request) -> Scan:
        asked = next((turn.text for turn in reversed(request.turns) if turn.role == "user"), "")
        said = [turn.text[:LONGEST_REQUEST] for turn in request.turns if turn.role in {"system", "developer"}]
        return _Scan(*_expected(asked[:LONGEST_REQUEST], "\n".join(said)))


@lru_cache(maxsize=64)
def _expected(asked: str, told: str) -> tuple[str | None, frozenset[str]]:
    """Say which language a request is in (`None`: any may be the answer's), and which scripts it uses."""
    said = f"{asked}\n{told}".lower()
    if any(name in said for name in NAMED):
        return None, frozenset(SCRIPTS)
    return language_of(asked), _scripts(said)


def language_of(text: str) -> str | None:
    """Name the language, or the script, of a text; `None` if it cannot be told."""
    if not text.isascii():
        counts = {name: len(letters.findall(text)) for name, letters in SCRIPTS.items()}
        script = max(counts, key=counts.__getitem__)
        if counts[script] >= ENOUGH and 2 * counts[script] > sum(map(len, LATIN.findall(text))):
            return script
    found = [SPOKEN[word] for word in SPOKEN.keys() & text.lower().split()]
    if len(found) < ENOUGH:
        return None
    (name, most), *others = Counter(chain.from_iterable(found)).most_common(2)
    clear = not others or most >= 2 * others[0][1]
    return name if clear and most >= ENOUGH else None


def _scripts(text: str) -> frozenset[str]:
    if text.isascii():
        return frozenset()
    return frozenset(name for name, letters in SCRIPTS.items() if letters.search(text))


class _Scan:
    def __init__(self, expected: str | None, scripts: frozenset[str]) -> None:
        self._expected, self._scripts = expected, scripts
        self._fences, self._head, self._judged = Fences(), "", expected is None
        self._foreign: dict[str, int] = {}

    def feed(self, text: str, /) -> str | None:
        if self._expected is None:
            return None
        return self._prose("".join(p.text for p in self._fences.feed(text) if p.language is None))

    def end(self) -> str | None:
        if self._expected is None:
            return None
        prose = "".join(p.text for p in self._fences.end() if p.language is None)
        return self._prose(prose) or (None if self._judged else self._judge())

    def _prose(self, prose: str) -> str | None:
        if not prose.isascii() and self._strays(prose):
            return "a language that nobody asked for"
        if self._judged:
            return None
        self._head += prose[: HEAD - len(self._head)]
        return self._judge() if len(self._head) >= HEAD else None

    def _strays(self, prose: str) -> bool:
        for name, letters in SCRIPTS.items():
            if name not in self._scripts:
                self._foreign[name] = self._foreign.get(name, 0) + len(letters.findall(prose))
        # Mathematics writes Greek.
        return any(n >= FOREIGN for name, n in self._foreign.items() if name not in {self._expected, "Greek"})

    def _judge(self) -> str | None:
        self._judged = True
        spoken = language_of(self._head)
        if spoken in {None, self._expected}:
            return None
        return "a language that nobody asked for"
