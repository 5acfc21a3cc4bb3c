"""Networks that are each blind to a part of the prompts, what they say of it, and one reader made of all."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from router.difficulty.corpus import Corpus, Places
from router.difficulty.hierarchy import Belief, Doubles, Trend
from router.difficulty.network import Network
from router.difficulty.reader import Reader
from router.difficulty.widening import Sighting
from router.difficulty.words import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """A reader, and for every prompt the traits that networks blind to it read (P, T)."""

    reader: Reader
    traits: Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What is learnt, but for lengths and doubts: P prompts, F features, T traits by blind networks."""

    reader: Reader
    read: Floats
    traits: Doubles
    strange: Doubles
    known: Places
    beliefs: tuple[Belief, ...]
    far: Doubles
    trends: tuple[Trend, ...]

    def sighting(self, corpus: Corpus, count: int, random: np.random.Generator) -> Sighting | None:
        """Draw outcomes of models known here, with what is thought of them; `None` if there are none."""
        rows = np.flatnonzero(np.isin(corpus.subject, self.known))
        if not len(rows):
            return None
        at = random.choice(rows, count)
        prompt, column = corpus.prompt[at], np.searchsorted(self.known, corpus.subject[at])
        inputs = np.concatenate((np.ones((count, 1)), self.traits[prompt]), axis=1)
        means = np.array([belief.mean for belief in self.beliefs])
        return Sighting(
            strange=self.strange[prompt],
            near=(means[column] * inputs).sum(1),
            far=(self.far[column] * inputs).sum(1),
            score=corpus.score[at],
        )


def parts(group: NDArray[np.str_], rows: Places, count: int, random: np.random.Generator) -> list[Places]:
    names, belongs = np.unique(group[rows], return_inverse=True)
    drawn = random.integers(0, count, len(names))[belongs]
    return [rows[drawn == fold] for fold in range(count)]


def apart(corpus: Corpus, count: int) -> list[tuple[Corpus, Corpus]]:
    """Split a corpus by leaving out each of its largest sources, with all that is known of its prompts.

    Return (the rest, what was left out) for each; nothing where there are fewer than three sources.
    """
    family = np.array([source.partition("/")[0] for source in corpus.source])
    found, sizes = np.unique(family, return_counts=True)
    if len(found) < 3:
        return []
    chosen = found[np.argsort(-sizes, kind="stable")[:count]]
    own = [np.isin(corpus.prompt, np.unique(corpus.prompt[family == source])) for source in chosen]
    return [
        (corpus.where(~its), corpus.where(family == source))
        for source, its in zip(chosen, own, strict=True)
        if 0 < its.sum() < len(its)
    ]


def joined(bare: Reader, networks: list[Network], centre: Doubles) -> Reader:
    count = len(networks)
    return replace(
        bare,
        inner=np.concatenate([one.inner for one in networks], axis=1),
        threshold=np.concatenate([one.threshold for one in networks]),
        outer=np.asarray(np.concatenate([one.outer for one in networks]) / count, np.float32),
        straight=np.asarray(sum(one.straight for one in networks) / count, np.float32),
        traits_centre=np.asarray(centre, np.float32),
    )
