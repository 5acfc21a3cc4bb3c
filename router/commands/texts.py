"""Training on texts, for `farthing train --data`; it loads scikit-learn, hence the file of its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from router.difficulty import Difficulty, measuring, sheet, training
from router.difficulty.corpus import BadRecords, Corpus, read
from router.difficulty.hierarchy import Doubles
from router.difficulty.sheet import Sheet
from router.learning.standing import Found
from router.learning.training import Compared, interval

LEAST = 20
"""Prompts of a split without which there is no use in trying."""


def train(
    found: Found, data: Path, seed: int, settings: training.Settings | None = None
) -> tuple[Difficulty, Compared]:
    """Train on the split `train`, and compare on `validation`.

    Raises `BadRecords` if the folder holds no records, or not enough of them.
    """
    corpus = read(data)
    learnt, held = corpus.of_split("train"), corpus.of_split("validation")
    _check(learnt, held)
    measured = sheet.measured(corpus.texts)
    candidate = training.learn(learnt, measured, replace(settings or training.Settings(), seed=seed))
    before = _losses(replace(found.base, taught={}), held, measured)
    after = _losses(candidate, held, measured)
    groups = held.group[held.prompt].tolist()
    low, high = interval(after - before, groups, seed)
    return candidate, Compared(
        trained_on=len(learnt.score),
        held_back=len(held.score),
        before=float(before.mean()),
        after=float(after.mean()),
        difference=float((after - before).mean()),
        low=low,
        high=high,
    )


def _check(learnt: Corpus, held: Corpus) -> None:
    for split, part in (("train", learnt), ("validation", held)):
        if (count := len(np.unique(part.prompt))) < LEAST:
            raise BadRecords(
                f"The split '{split}' (column 'split' of prompts.parquet) has {count} prompts with outcomes; "
                f"{LEAST} are needed: 'train' is learnt from, 'validation' compared on."
            )
    # Unknown lengths are NaN, which is not above zero.
    if not (learnt.tokens > 0).any():
        raise BadRecords(
            "No answer's length is known (column 'tokens_out' of outcomes.parquet): "
            "what a model costs could not be predicted."
        )


def _losses(fitted: Difficulty, held: Corpus, measured: Sheet) -> Doubles:
    vectors = measuring.described(fitted, measured)
    table = measuring.chances(fitted, vectors, np.unique(held.prompt), measuring.placed(fitted, held))
    judged = measuring.judged(held, table)
    return -judged.score * np.log(judged.chance) - (1.0 - judged.score) * np.log(1.0 - judged.chance)
