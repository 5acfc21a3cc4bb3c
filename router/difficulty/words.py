"""Text to numbered words: hashed, so that no word of anybody's text is kept anywhere."""

from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Small: TypeAlias = NDArray[np.int8]
Small16: TypeAlias = NDArray[np.int16]
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


def _kinds() -> bytes:
    kinds = bytearray([SPACE] * 33 + [MARK] * 94 + [LETTER] * 129)
    for byte in range(128):
        if chr(byte).isalpha():
            kinds[byte] = LETTER
        elif chr(byte).isdigit():
            kinds[byte] = DIGIT
    return bytes(kinds)


def _folded() -> bytes:
    """Upper case counts as lower, every digit as 0; none is zero, and no byte of UTF-8 is 255."""
    return bytes(
        ord("0" if chr(byte).isdigit() else chr(byte).lower()) + 1 if byte < 128 else min(byte + 1, 255)
        for byte in range(256)
    )


_BASE = 0x9E3779B97F4A7C15
_WRAP = 1 << 64
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_NEXT = np.uint64(0x94D049BB133111EB)
_SHIFT = np.uint64(29)
_DOWN = np.uint64(64 - BITS)

_KIND_OF = _kinds()
_FOLD_OF = _folded()
KINDS = frozen(np.frombuffer(_KIND_OF, np.uint8))
_POWERS = frozen(np.array([pow(_BASE, i, _WRAP) for i in range(MOST_BYTES + 1)], np.uint64))
_INVERSES = frozen(np.array([pow(pow(_BASE, -1, _WRAP), i, _WRAP) for i in range(MOST_BYTES + 1)], np.uint64))
_DAMPED = frozen(np.log(np.maximum(np.arange(MOST_BYTES + 1), 1)).astype(np.float32) + np.float32(1.0))


def split(text: bytes) -> tuple[Spots, Spots]:
    """Return where words start and end: runs of letters, runs of digits, single marks."""
    # `bytes.translate` takes a third of the time of indexing a table.
    kinds = np.frombuffer(text.translate(_KIND_OF), np.uint8)
    edge = kinds == MARK
    edge[:1] |= kinds[:1] != SPACE
    edge[1:] |= kinds[1:] != kinds[:-1]
    edges = edge.nonzero()[0]
    real = kinds.take(edges) != SPACE
    ends = np.empty_like(edges)
    ends[:-1] = edges[1:]
    ends[-1:] = len(text)
    return edges[real], ends[real]


def hashes(text: bytes, starts: Spots, ends: Spots) -> Hashes:
    """Return one 64-bit hash a word; upper case counts as lower, every digit as 0."""
    folded = np.frombuffer(text.translate(_FOLD_OF), np.uint8)
    sums = np.zeros(len(text) + 1, np.uint64)
    np.cumsum(folded * _POWERS[: len(text)], out=sums[1:])
    whole = (sums.take(ends) - sums.take(starts)) * _INVERSES.take(starts)
    return _mixed(whole)


def after(first: Hashes, second: Hashes) -> Hashes:
    """Return one hash for each word and the one after it."""
    return _mixed(first * _NEXT + second)


def hash_of(word: str) -> int:
    """Return the hash of a single word, as `hashes` has it."""
    data = word.encode()
    return int(hashes(data, *split(data))[0])


def buckets(both: Hashes) -> tuple[Spots, Floats]:
    """Return the buckets that words and pairs of neighbours fall into, and a damped count for each."""
    counts = np.bincount((both >> _DOWN).astype(np.intp), minlength=1 << BITS)
    found = (counts > 0).nonzero()[0]
    return found, _DAMPED.take(counts.take(found))


def _mixed(values: Hashes) -> Hashes:
    values = (values ^ (values >> _SHIFT)) * _MIX
    return values ^ (values >> _SHIFT)
