"""Training on texts, for `farthing train --data`; it loads scikit-learn, hence the file of its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from router.difficulty import Difficulty, measuring, sheet, training
from router.difficulty.corpus import Corpus, read
from router.difficulty.hierarchy import Doubles
from router.difficulty.sheet import Sheet
from router.learning.standing import Found
from router.learning.training import Compared, interval


def train(found: Found, data: Path, seed: int) -> tuple[Difficulty, Compared]:
    """Train on the split `train`, and compare on `validation`."""
    corpus = read(data)
    measured = sheet.measured(corpus.texts)
    candidate = training.learn(corpus.of_split("train"), measured, replace(training.Settings(), seed=seed))
    held = corpus.of_split("validation")
    before = _losses(replace(found.base, taught={}), held, measured)
    after = _losses(candidate, held, measured)
    groups = held.group[held.prompt].tolist()
    low, high = interval(after - before, groups, seed)
    return candidate, Compared(
        trained_on=len(corpus.of_split("train").score),
        held_back=len(held.score),
        before=float(before.mean()),
        after=float(after.mean()),
        difference=float((after - before).mean()),
        low=low,
        high=high,
    )


def _losses(fitted: Difficulty, held: Corpus, measured: Sheet) -> Doubles:
    vectors, _ = measuring.described(fitted, measured)
    table = measuring.chances(fitted, vectors, np.unique(held.prompt), measuring.placed(fitted, held))
    judged = measuring.judged(held, table)
    return -judged.score * np.log(judged.chance) - (1.0 - judged.score) * np.log(1.0 - judged.chance)
