"""Hand-made features: what of a text can be counted in microseconds and holds beyond one kind of question."""

import math
import re

import numpy as np
from numpy.typing import NDArray

from router.difficulty.words import DIGIT, KINDS, LETTER, Bytes, Floats, Hashes

PHRASES = (
    "\na. ", "\nb. ", "\nc. ", "\nd. ", "\ne. ", "\ng. ", "\nj. ",
    "?", "which of the following", "what is", "how many", "how much", "not ", "except", "true", "statement",
    "most likely", "best", "why", "explain", "prove", "show that", "find ", "calculate", "determine", "evaluate",
    "write a function", "write a ", "function", "def ", "return", "class ", "import ", "assert", "```",
    "select ", "http", "$", "\\frac", "\\", "^", "{", "(", "=", "<", "|", '"', "`", " _ ", "...", ":", ";",
    "\n", "\n\n", " - ", " if ", " each ", " exactly", " at least", " must ", " all ", " none of",
    " i ", " you ", "please", "passage", "according to", "the author", "suppose", "let ", "probability",
    "percent", "%", " per ", "house", "step", "list", "code", "python", "json", "translate", "summar",
    "story", "who ", "when ", "where ", "can you", "could you", "i'm", "i need", " x ", "integer",
)  # fmt: skip
"""Counted, damped, in lower-case text."""

_LANGUAGES = (
    (0xC2, 0xC9),
    (0xCA, 0xCF),
    (0xD0, 0xD3),
    (0xD4, 0xDF),
    (0xE0, 0xE2),
    (0xE3, 0xE9),
    (0xEA, 0xEF),
)
_LONG_NUMBER = re.compile(r"\d{4,}|\d\.\d\d")

NAMES = (
    *PHRASES,
    "log length", "log words", "log lines", "mean word", "long words", "distinct words", "letters", "digits",
    "capitals", "marks", "spaces", "other scripts", "emoji", "numbers", "long numbers", "mean line",
    "last line", "first question", "ends in question", "options", "words an option", "blank at start",
    *(f"script {low:x}" for low, _ in _LANGUAGES),
)  # fmt: skip
"""What each number is, in the order of `marks`."""


def marks(text: str, data: Bytes, starts: NDArray[np.intp], ends: NDArray[np.intp], words: Hashes) -> Floats:
    """Return the features of a text, its bytes, and its words."""
    lower = text.lower()
    counts = [lower.count(phrase) for phrase in PHRASES]
    found = np.log1p(np.array(counts, np.float32))
    return np.concatenate((found, np.array(_shape(text, data, starts, ends, words), np.float32)))


def _shape(
    text: str, data: Bytes, starts: NDArray[np.intp], ends: NDArray[np.intp], words: Hashes
) -> list[float]:
    size, count = max(len(data), 1), max(len(words), 1)
    histogram = np.bincount(data, minlength=256)
    by_kind = np.bincount(KINDS, weights=histogram, minlength=4) / size
    lengths = ends - starts
    lines = text.split("\n")
    options = sum(1 for line in lines if line[1:3] == ". " and line[:1].isalpha())
    option_words = sum(len(line) for line in lines if line[1:3] == ". ") / max(options, 1)
    first_kind = KINDS[data[starts]] if len(starts) else KINDS[:0]
    question = text.find("?")
    shape = [
        math.log1p(len(text)),
        math.log1p(len(words)),
        math.log1p(len(lines)),
        float(lengths.mean()) if len(lengths) else 0.0,
        float((lengths > 8).mean()) if len(lengths) else 0.0,
        len(np.unique(words)) / count,
        float(by_kind[LETTER]),
        float(by_kind[DIGIT]),
        float(histogram[65:91].sum()) / size,
        float(by_kind[3]),
        float(by_kind[0]),
        float(histogram[128:].sum()) / size,
        float(histogram[0xF0:].sum()) / size,
        math.log1p(float((first_kind == DIGIT).sum())),
        math.log1p(len(_LONG_NUMBER.findall(text))),
        math.log1p(len(text) / len(lines)),
        math.log1p(len(lines[-1])),
        question / len(text) if question >= 0 else 1.0,
        float(text.endswith("?")),
        float(options),
        math.log1p(option_words),
        float(text[:1].islower()),
    ]
    return shape + [float(histogram[low : high + 1].sum()) / size for low, high in _LANGUAGES]
