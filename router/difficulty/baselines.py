"""What needs no classifier: means of models, means by kind of prompt, nearest prompts."""

from dataclasses import dataclass

import numpy as np

from router.difficulty.corpus import Corpus, Places
from router.difficulty.hierarchy import Doubles
from router.difficulty.words import Floats

NEAREST = 300
"""Prompts looked through for those that a model has answered."""

NEIGHBOURS = 40
"""Answered ones that a model's chance is the mean of, with `SHRUNK` more at its mean."""

SHRUNK = 10.0
CHUNK = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselines:
    """Chances (prompts, subjects) for the asked-about prompts, in their order."""

    mean: Doubles
    kind: Doubles
    nearest: Doubles


def baselines(learnt: Corpus, texts: Floats, asked: Places) -> Baselines:
    """Learn from the outcomes of a corpus; `texts` (P, D) are all prompts' words, brought to length one."""
    rows = np.unique(learnt.prompt)
    place = np.full(len(learnt.texts), -1)
    place[rows] = np.arange(len(rows))
    shape = (len(rows), len(learnt.subjects))
    sums, counts = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    np.add.at(sums, (place[learnt.prompt], learnt.subject), learnt.score)
    np.add.at(counts, (place[learnt.prompt], learnt.subject), 1.0)
    overall = float(learnt.score.mean())
    mean = (sums.sum(0) + 2.0 * overall) / (counts.sum(0) + 2.0)
    _, kinds = np.unique(learnt.task[rows], return_inverse=True)
    by_kind = np.stack(
        [_shrunk(sums[kinds == kind], counts[kinds == kind], mean) for kind in np.unique(kinds)]
    )
    kind, nearest = [], []
    for part in np.array_split(asked, len(asked) // CHUNK + 1):
        alike = texts[part] @ texts[rows].T
        many = min(NEAREST, len(rows))
        near = np.argpartition(-alike, many - 1, axis=1)[:, :many]
        near = np.take_along_axis(
            near, np.argsort(-np.take_along_axis(alike, near, 1), axis=1, kind="stable"), 1
        )
        kind.append(by_kind[kinds[near[:, 0]]])
        nearest.append(np.array([_first(sums[one], counts[one], mean) for one in near]).reshape(-1, shape[1]))
    return Baselines(
        mean=np.tile(mean, (len(asked), 1)).astype(float),
        kind=np.concatenate(kind).astype(float),
        nearest=np.concatenate(nearest).astype(float),
    )


def _shrunk(sums: Floats, counts: Floats, mean: Floats) -> Floats:
    return np.asarray((sums.sum(0) + SHRUNK * mean) / (counts.sum(0) + SHRUNK), np.float32)


def _first(sums: Floats, counts: Floats, mean: Floats) -> Floats:
    """Return means over each model's first `NEIGHBOURS` answered prompts, in order of likeness."""
    taken = (counts > 0) & (np.cumsum(counts > 0, axis=0) <= NEIGHBOURS)
    return _shrunk(sums * taken, counts * taken, mean)
