"""Text to numbered words: hashed, so that no word of anybody's text is kept anywhere."""

from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Small: TypeAlias = NDArray[np.int8]
Hashes: TypeAlias = NDArray[np.uint64]
Floats: TypeAlias = NDArray[np.float32]
Spots: TypeAlias = NDArray[np.intp]

MOST_BYTES = 16_384
"""Longer text is cut here; the caller bounds it to about this anyway."""

BITS = 14
"""Words fall into 2**BITS buckets."""

SPACE, LETTER, DIGIT, MARK = range(4)


Array = TypeVar("Array", bound=NDArray[Any])


def frozen(array: Array) -> Array:
    """Return the array, from now on only for reading."""
    array.flags.writeable = False
    return array


def _kinds() -> Bytes:
    kinds = np.full(256, MARK, np.uint8)
    kinds[:33] = SPACE
    kinds[127:] = LETTER
    for byte in range(128):
        if chr(byte).isalpha():
            kinds[byte] = LETTER
        elif chr(byte).isdigit():
            kinds[byte] = DIGIT
    return kinds


def _folded() -> Hashes:
    folded = np.arange(1, 257, dtype=np.uint64)
    for byte in range(128):
        if chr(byte).isupper():
            folded[byte] = ord(chr(byte).lower()) + 1
        elif chr(byte).isdigit():
            folded[byte] = ord("0") + 1
    return folded


_BASE = 0x9E3779B97F4A7C15
_WRAP = 1 << 64
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_NEXT = np.uint64(0x94D049BB133111EB)
_SHIFT = np.uint64(29)
_DOWN = np.uint64(64 - BITS)

KINDS = frozen(_kinds())
_FOLDED = frozen(_folded())
_POWERS = frozen(np.array([pow(_BASE, i, _WRAP) for i in range(MOST_BYTES + 1)], np.uint64))
_INVERSES = frozen(np.array([pow(pow(_BASE, -1, _WRAP), i, _WRAP) for i in range(MOST_BYTES + 1)], np.uint64))


def split(data: Bytes) -> tuple[Spots, Spots]:
    """Return where words start and end: runs of letters, runs of digits, single marks."""
    kinds = KINDS[data]
    before = np.empty_like(kinds)
    before[:1] = SPACE
    before[1:] = kinds[:-1]
    edge = (kinds != before) | (kinds == MARK)
    edges = np.flatnonzero(edge)
    ends = np.append(edges[1:], len(data))
    real = kinds[edges] != SPACE
    return edges[real], ends[real]


def hashes(data: Bytes, starts: Spots, ends: Spots) -> Hashes:
    """Return one 64-bit hash a word; upper case counts as lower, every digit as 0."""
    sums = np.zeros(len(data) + 1, np.uint64)
    np.cumsum(_FOLDED[data] * _POWERS[: len(data)], out=sums[1:])
    whole = (sums[ends] - sums[starts]) * _INVERSES[starts]
    return _mixed(whole)


def after(first: Hashes, second: Hashes) -> Hashes:
    """Return one hash for each word and the one after it."""
    return _mixed(first * _NEXT + second)


def hash_of(word: str) -> int:
    """Return the hash of a single word, as `hashes` has it."""
    data = np.frombuffer(word.encode(), np.uint8)
    return int(hashes(data, *split(data))[0])


def buckets(words: Hashes, pairs: Hashes) -> tuple[Spots, Floats]:
    """Return the buckets that words and pairs of neighbours fall into, and a damped count for each."""
    both = np.sort((np.concatenate((words, pairs)) >> _DOWN).astype(np.intp))
    edges = np.flatnonzero(np.concatenate(([True], both[1:] != both[:-1]))) if len(both) else both
    counts = np.diff(np.append(edges, len(both)))
    return both[edges], (1.0 + np.log(counts)).astype(np.float32)


def _mixed(values: Hashes) -> Hashes:
    values = (values ^ (values >> _SHIFT)) * _MIX
    return values ^ (values >> _SHIFT)
