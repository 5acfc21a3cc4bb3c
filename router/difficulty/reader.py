"""Text to numbers: the words' projection, the hand-made marks, the networks' traits, the strangeness."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.difficulty import marks, text, words
from router.difficulty.hierarchy import Doubles
from router.difficulty.words import Bytes, Floats, Hashes, Small, Spots
from router.types import Turn

SEEN_BITS = 18
"""Whether a word occurred in training is remembered for 2**SEEN_BITS buckets, a bit each."""

EDGE = 4.0
"""Standardised marks are cut here."""

CUT = 8.0
"""Standardised projections are cut here."""

STRANGE = ("unseen words", "distance of the words", "distance of the marks")
HEAD = (*STRANGE, "log tokens of an answer")
"""What the first numbers of a vector are; the traits follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A text, measured but not yet put on any learnt scale."""

    found: Spots
    counts: Floats
    marks: Floats
    seen: Spots


@dataclass(frozen=True, slots=True)
class Crowd:
    """Centres (C, size) near which the training prompts lie, and their squared lengths (C,)."""

    centres: Floats
    squares: Floats

    @classmethod
    def of(cls, centres: Floats) -> "Crowd":
        return cls(centres, np.asarray((centres**2).sum(1), np.float32))

    def distance(self, rows: Floats) -> Floats:
        """Return how far each row (.., size) is from the nearest centre."""
        lowest = (self.squares - 2.0 * (rows @ self.centres.T)).min(-1) + (rows * rows).sum(-1)
        return np.asarray(np.sqrt(np.maximum(lowest, 0.0)), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Everything learnt about text; B buckets, D dimensions, M marks, F = D + M, H hidden, T traits."""

    rarity: Floats  # (B,) inverse document frequency
    projection: Small  # (B, D), in bytes: what is read at random has to be small
    projection_step: Floats  # (D,) what one is worth in each column
    project_centre: Floats  # (D,)
    project_scale: Floats  # (D,)
    marks_centre: Floats  # (M,)
    marks_scale: Floats  # (M,)
    inner: Floats  # (F, H) of all networks side by side
    threshold: Floats  # (H,)
    outer: Floats  # (H, T), the mean over networks is folded in
    straight: Floats  # (F, T)
    crowd_words: Crowd  # of the projections (D), brought to length one
    crowd_marks: Crowd  # of the standardised dense marks
    traits_centre: Floats  # (T,)
    length: Floats  # (F + 1,) log tokens of an answer; the last is the constant
    seen: Bytes  # (2**SEEN_BITS / 8,) a bit for every word that occurred in two training prompts

    def scale(self) -> str:
        """Name what the numbers mean: a checksum of the last weights, which follow from all the others."""
        weights = (self.outer, self.straight, self.traits_centre, self.length)
        return hashlib.sha256(b"".join(np.ascontiguousarray(each).tobytes() for each in weights)).hexdigest()[
            :12
        ]

    def describe(self, turns: Sequence[Turn]) -> tuple[float, ...]:
        """Return `HEAD` and the traits of a conversation, rounded; never fails, whatever the text."""
        features, strange = self.features(measure(text.reading(turns)))
        traits = self.traits(features)
        length = float(features @ self.length[:-1] + self.length[-1])
        numbers = np.concatenate((strange.astype(np.float64), (length,), traits))
        return tuple(np.round(numbers, 4).tolist())

    def traits(self, features: Floats) -> Doubles:
        """Return the traits (.., T) of features (.., F)."""
        hidden = np.maximum(features @ self.inner + self.threshold, 0.0)
        return np.asarray(hidden @ self.outer + features @ self.straight - self.traits_centre, np.float64)

    def features(self, raw: Raw) -> tuple[Floats, Floats]:
        """Return what the networks read (F,) and how strange the text is (`STRANGE`)."""
        weights = raw.counts * self.rarity.take(raw.found)
        size = float(np.sqrt(weights @ weights))
        rows = self.projection.take(raw.found, axis=0).astype(np.float32)
        projected = (weights @ rows) * (self.projection_step / max(size, 1e-6))
        standard = np.asarray((projected - self.project_centre) / self.project_scale, np.float32)
        counted = (raw.marks - self.marks_centre) / self.marks_scale
        cut = bounded(counted, EDGE)
        strange = np.array(
            (
                1.0 - share_of_bits(self.seen, raw.seen),
                self.crowd_words.distance(upright(standard)),
                self.crowd_marks.distance(cut[: marks.DENSE]),
            ),
            np.float32,
        )
        return np.concatenate((bounded(standard, CUT), cut)), strange


def measure(reading: str) -> Raw:
    """Count what is in a text."""
    encoded = reading.encode("utf-8", "replace")[: words.MOST_BYTES]
    data = np.frombuffer(encoded, np.uint8)
    starts, ends = words.split(encoded)
    hashed = words.hashes(encoded, starts, ends)
    both = np.concatenate((hashed, words.after(hashed[:-1], hashed[1:])))
    found, counts = words.buckets(both)
    distinct = len(found) / max(len(both), 1)
    return Raw(
        found=found,
        counts=counts,
        marks=marks.marks(reading, data, starts, ends, both, distinct),
        seen=seen_buckets(hashed),
    )


def seen_buckets(hashed: Hashes) -> Spots:
    """Return each word's place among the 2**SEEN_BITS."""
    return (hashed >> np.uint64(64 - SEEN_BITS)).astype(np.intp)


def upright(standard: Floats) -> Floats:
    """Return projections (.., D) brought to length one."""
    size = np.sqrt((standard * standard).sum(-1, keepdims=True))
    return np.asarray(standard / np.maximum(size, 1e-6), np.float32)


def bounded(values: Floats, bound: float) -> Floats:
    """Return values cut at plus and minus the bound; `np.clip` takes five times as long on so few."""
    return np.asarray(np.minimum(np.maximum(values, -bound), bound), np.float32)


def share_of_bits(bits: Bytes, places: Spots) -> float:
    if len(places) == 0:
        return 0.0
    return float(((bits.take(places >> 3) >> (places & 7).astype(np.uint8)) & 1).mean())
