"""Hand-made features: what of a text can be counted in microseconds and holds beyond one kind of question."""

import math

import numpy as np

from router.difficulty.words import (
    DIGIT,
    KINDS,
    LETTER,
    MARK,
    SPACE,
    Bytes,
    Floats,
    Hashes,
    Small16,
    Spots,
    after,
    frozen,
    hash_of,
)

POINTS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\n\t"
"""Single characters that are counted."""

WORDS = tuple(
    """
    what which who whom whose when where why how is are was were do does did can could would should will
    must may not no never none nothing except without unless false true correct incorrect following
    statement statements all any each every some most least more less than only exactly always both
    either neither other same different if then and or but because therefore thus suppose assume given
    let consider define denote such find calculate compute determine evaluate solve prove show derive
    explain describe discuss compare analyze estimate simplify express convert identify choose select
    list name write create generate implement complete design summarize translate rewrite classify
    extract fix debug refactor review plan function method class code program python java javascript sql
    html json def return import assert print string array integer dict output input test algorithm
    number numbers sum total product ratio percent average mean probability equation value polynomial
    matrix vector graph triangle circle square area angle degrees length derivative integral limit prime
    divisible remainder digit digits real positive negative maximum minimum frac sqrt mathbf text begin
    end many much times half twice double remaining together cost costs price buys sells earns pays hour
    hours minute minutes day days week year years old dollars cents miles per speed rate passage author
    according paragraph sentence word words article story essay letter email law court defendant
    plaintiff contract statute patient disease treatment cell cells dna gene protein energy force mass
    velocity charge temperature pressure reaction solution acid atom electron war century king empire
    government president company market theory moral philosophy religion house houses person people
    first second third last next before after left right between position i you he she they we it my
    your his her their me us please help need want one two three four five six seven eight nine ten
    """.split()  # noqa: SIM905 - as a list, three hundred lines of one word each
)
"""Words that are counted."""

PAIRS = tuple(
    pair.split()
    for pair in (
        "how many", "how much", "what is", "which of", "of the", "the following", "most likely",
        "all of", "none of", "at least", "at most", "more than", "less than", "such that", "if and",
        "show that", "prove that", "find the", "write a", "a function", "in python", "step by",
        "according to", "the author", "can you", "could you", "i need", "need to", "i am", "is the",
        "true or", "not true", "would be", "as many", "number of", "let be", "statement 1",
        "the passage", "what would", "the best", "main idea", "given the", "this is", "what was",
    )
)  # fmt: skip
"""Neighbouring words that are counted."""

SCRIPTS = ((0xC2, 0xC9), (0xCA, 0xCF), (0xD0, 0xD3), (0xD4, 0xDF), (0xE0, 0xE2), (0xE3, 0xE9), (0xEA, 0xEF))
"""First bytes of characters: Latin, Greek, Cyrillic, Semitic, South Asian, Chinese and Japanese, Korean."""

SHAPE = (
    "log length", "log words", "log lines", "mean word", "long words", "very long words",
    "distinct words", "letters", "digits", "capitals", "marks", "spaces", "other scripts", "emoji",
    "numbers", "numbers of two digits", "long numbers", "decimals", "mean line", "last line",
    "question at", "ends in question", "lower start", "sentences", "words a sentence", "names",
    "commands", "blank", "code fences", "options", "length of options", "spread of options",
    "numeric options", "stem", *(f"script {low:x}" for low, _ in SCRIPTS),
)  # fmt: skip
"""What describes the text as a whole; these come first, then the points: both are dense."""

DENSE = len(SHAPE) + len(POINTS)
NAMES = (*SHAPE, *POINTS, *WORDS, *(" ".join(pair) for pair in PAIRS))
"""What each number is, in the order of `marks`."""


KEY_BITS, KEY_FROM = 15, np.uint64(31)
"""Counted words are looked up by so many bits of their hash, from there on.

No two words share them: a test looks, since another list of words may need other bits.
"""

_KEY_MASK = np.uint64((1 << KEY_BITS) - 1)
KEYS = frozen(
    np.array(
        [
            *(hash_of(word) for word in WORDS),
            *(int(after(*(np.array([hash_of(word)], np.uint64) for word in pair))[0]) for pair in PAIRS),
            0,
        ],
        np.uint64,
    )
)
"""The hashes of the words and pairs that are counted; the last stands for all others."""


def looked_up(hashes: Hashes) -> Spots:
    return ((hashes >> KEY_FROM) & _KEY_MASK).astype(np.intp)


def _lookup() -> Small16:
    table = np.full(1 << KEY_BITS, len(KEYS) - 1, np.int16)
    table[looked_up(KEYS[:-1])] = np.arange(len(KEYS) - 1)
    return frozen(table)


_PLACES = _lookup()
_POINT_BYTES = frozen(np.array([ord(point) for point in POINTS]))
_SUMS = frozen(
    np.stack(
        [
            *(kind == KINDS for kind in (SPACE, LETTER, DIGIT, MARK)),
            *(
                (low <= np.arange(256)) & (np.arange(256) < high)
                for low, high in ((65, 91), (128, 256), (0xF0, 256))
            ),
            *((low <= np.arange(256)) & (np.arange(256) <= high) for low, high in SCRIPTS),
        ]
    ).astype(np.float64)
)
"""Which bytes are summed for the shares of kinds, of capitals, of other scripts, of emoji, of each script."""


def marks(text: str, data: Bytes, starts: Spots, ends: Spots, both: Hashes, distinct: float) -> Floats:
    """Return the features of a text: of its bytes, its words, their pairs, and the share that is distinct."""
    histogram = np.bincount(data, minlength=256)
    shares = (_SUMS @ histogram / max(len(data), 1)).tolist()
    found = np.empty(len(NAMES))
    found[: len(SHAPE)] = (
        *_whole(text, data, starts, ends, histogram, [distinct, *shares[:7]]),
        *_options(data),
        *shares[7:],
    )
    found[len(SHAPE) : DENSE] = histogram[_POINT_BYTES]
    found[DENSE:] = _counted(both)
    counts = found[len(SHAPE) :]
    np.log1p(counts, out=counts)
    return found.astype(np.float32)


def _counted(both: Hashes) -> Spots:
    """Count how often each of `KEYS` occurs."""
    places = _PLACES.take(looked_up(both))
    places = places[KEYS.take(places) == both]
    return np.bincount(places, minlength=len(KEYS))[:-1]


def _whole(
    text: str, data: Bytes, starts: Spots, ends: Spots, histogram: Spots, shares: list[float]
) -> list[float]:
    count = max(len(starts), 1)
    lengths = np.minimum(ends - starts, 13)
    first = data.take(starts)
    kinds = KINDS.take(first)
    sizes = np.bincount(lengths, minlength=14).tolist()
    digits = np.bincount(lengths[kinds == DIGIT], minlength=14).tolist()
    distinct, space, letter, digit, mark, capital, foreign, emoji = shares
    lines = float(histogram[10]) + 1.0
    sentences = float(histogram[_ENDINGS].sum()) + 1.0
    log = math.log1p
    return [
        log(len(text)),
        log(len(starts)),
        math.log(lines),
        (letter + digit + mark) * len(data) / count,
        sum(sizes[9:]) / count,
        sizes[13] / count,
        distinct,
        letter,
        digit,
        capital,
        mark,
        space,
        foreign,
        emoji,
        log(sum(digits)),
        log(sum(digits[2:])),
        log(sum(digits[4:])),
        log(_decimals(kinds, first)),
        log(len(text) / lines),
        *_edges(text),
        math.log(sentences),
        log(len(starts) / sentences),
        log(int(np.count_nonzero(_CAPITAL.take(first)))),
        *_signs(text),
    ]


_ENDINGS = frozen(np.frombuffer(b".?!", np.uint8))
_CAPITAL = frozen((np.arange(256) >= 65) & (np.arange(256) <= 90))


def _edges(text: str) -> list[float]:
    """How a text begins and ends."""
    return [
        math.log1p(len(text) - text.rfind("\n") - 1),
        text.find("?") / len(text) if "?" in text else 1.0,
        float(text.endswith("?")),
        float(text[:1].islower()),
    ]


def _signs(text: str) -> list[float]:
    return [math.log1p(text.count("\\")), float("_ " in text or "___" in text), float("```" in text)]


def _decimals(kinds: Bytes, first: Bytes) -> int:
    """Count points between digits."""
    if len(first) < 3:
        return 0
    return int(np.count_nonzero((first[1:-1] == ord(".")) & (kinds[:-2] == DIGIT) & (kinds[2:] == DIGIT)))


def _options(data: Bytes) -> list[float]:
    """Describe the lines that begin like `A. `: number, length, inequality, share numeric; and the stem."""
    after = np.flatnonzero(data[:-3] == 10) if len(data) > 3 else np.zeros(0, np.intp)
    lettered = (data[after + 1] >= 65) & (data[after + 1] <= 90)
    begin = after[lettered & (data[after + 2] == ord(".")) & (data[after + 3] == 32)]
    if len(begin) == 0:
        return [0.0, 0.0, 0.0, 0.0, math.log1p(len(data))]
    lengths = np.diff(np.append(begin, len(data))) - 4
    numeric = KINDS[data[np.minimum(begin + 4, len(data) - 1)]] == DIGIT
    return [
        float(len(begin)),
        math.log1p(float(lengths.mean())),
        float(lengths.std()) / (float(lengths.mean()) + 5.0),
        float(numeric.mean()),
        math.log1p(int(begin[0])),
    ]
