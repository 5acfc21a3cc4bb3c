"""Answers' lengths as they are expected where a source was never seen: fitted anew without each in turn.

Imports training, and with it scikit-learn.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from router.difficulty import training
from router.difficulty.corpus import TERSE, Corpus, Places
from router.difficulty.hierarchy import Doubles
from router.difficulty.model import LONGEST_LOG, Difficulty
from router.difficulty.sheet import Sheet, features


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Of one source's outcomes with a known length: their places in the corpus, and the tokens expected."""

    source: str
    cells: Places
    expected: Doubles


def without_each(fitted: Difficulty, corpus: Corpus, sheet: Sheet) -> Iterator[Lengths]:
    """Expect the lengths of each source's answers by what all others tell; terse sources are left out.

    What reads the text stays as it is; what makes lengths of it is fitted anew, in seconds.
    """
    read, _ = features(fitted.reader, sheet)
    family = np.array([source.partition("/")[0] for source in corpus.source])
    usable = ~np.isnan(corpus.tokens) & (corpus.tokens > 0) & ~np.isin(corpus.source, TERSE)
    for source in np.unique(family[usable]):
        own = np.unique(corpus.prompt[family == source])
        rest = corpus.where((corpus.split[corpus.prompt] == "train") & ~np.isin(corpus.prompt, own))
        known = np.unique(rest.subject)
        reader, lengths = training.fitted_lengths(fitted.reader, read, rest, known)
        cells = np.flatnonzero(usable & (family == source))
        subject = corpus.subject[cells]
        place = np.clip(np.searchsorted(known, subject), 0, len(known) - 1)
        seen = known[place] == subject
        rows = np.where(seen[:, None], lengths.rows[place], lengths.usual)
        thinks = np.array([corpus.subjects[at].facts.thinks for at in subject], float)
        guess = (read @ reader.length[:-1] + reader.length[-1])[corpus.prompt[cells]]
        logs = rows[:, 0] + rows[:, 1] * guess + rows[:, 2] * thinks + lengths.spread / 2.0
        expected = np.exp(np.clip(logs, 0.0, LONGEST_LOG))
        yield Lengths(source=str(source), cells=cells, expected=np.asarray(expected, float))
