"""All prompts of a corpus measured at once, and what a reader makes of them: the batch form of `Reader`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from router.difficulty import marks, text
from router.difficulty.reader import CUT, EDGE, Raw, Reader, bounded, measure, share_of_bits, upright
from router.difficulty.words import BITS, Floats
from router.types import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Word counts (P, B), marks (P, M), and the places of each prompt's words among those seen."""

    raws: tuple[Raw, ...]
    words: sp.csr_matrix
    marks: Floats


def measured(texts: Sequence[str]) -> Sheet:
    raws = tuple(measure(text.reading([Turn(role="user", text=prompt)])) for prompt in texts)
    ends = np.cumsum([0, *(len(raw.found) for raw in raws)])
    columns = np.concatenate([raw.found for raw in raws])
    counts = np.concatenate([raw.counts for raw in raws])
    return Sheet(
        raws=raws,
        words=sp.csr_matrix((counts, columns, ends), shape=(len(raws), 1 << BITS)),
        marks=np.array([raw.marks for raw in raws]),
    )


def weighed(words: sp.csr_matrix, rarity: Floats) -> sp.csr_matrix:
    """Return counts times rarity, each row of length one."""
    scaled = (words @ sp.diags(rarity)).tocsr()
    size = np.sqrt(np.asarray(scaled.multiply(scaled).sum(1))).ravel()
    return (sp.diags(1.0 / np.maximum(size, 1e-6)) @ scaled).tocsr().astype(np.float32)


def features(reader: Reader, sheet: Sheet) -> tuple[Floats, Floats]:
    """Return what `Reader.features` returns, for all prompts: (P, F) and (P, 3)."""
    projected = (
        weighed(sheet.words, reader.rarity) @ reader.projection.astype(np.float32)
    ) * reader.projection_step
    standard = (projected - reader.project_centre) / reader.project_scale
    counted = (sheet.marks - reader.marks_centre) / reader.marks_scale
    unseen = [1.0 - share_of_bits(reader.seen, raw.seen) for raw in sheet.raws]
    cut = bounded(counted, EDGE)
    strange = np.stack(
        (
            np.array(unseen),
            reader.crowd_words.distance(upright(standard)),
            reader.crowd_marks.distance(cut[:, : marks.DENSE]),
        ),
        axis=1,
    )
    both = np.concatenate((bounded(standard, CUT), cut), axis=1)
    return np.asarray(both, np.float32), np.asarray(strange, np.float32)
