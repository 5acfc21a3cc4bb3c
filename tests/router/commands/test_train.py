"""Training on texts, as `farthing train --data` does it, on records of the user's own."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from router.commands import texts
from router.difficulty import training
from router.difficulty.corpus import BadRecords
from router.difficulty.network import Recipe
from router.learning.standing import find

PROMPTS, MODELS = 120, ("toy-1b", "toy-8b", "toy-70b")
SMALL = training.Settings(
    dimensions=4, folds=2, rounds=1, crowd=8, draws=100, recipe=Recipe(hidden=8, traits=3, epochs=4, batch=32)
)


def records(folder, splits=("train", "train", "validation"), tokens=40):
    """Sums that all models can, and proofs that the largest can."""
    ids = [f"p{at}" for at in range(PROMPTS)]
    random = np.random.default_rng(1)
    tables = {
        "prompts": {
            "prompt_id": ids,
            "prompt_text": [f"Add {at} and 2." if at % 2 else f"Prove lemma {at}." for at in range(PROMPTS)],
            "dataset": ["sums" if at % 2 else "proofs" for at in range(PROMPTS)],
            "split": [splits[at % len(splits)] for at in range(PROMPTS)],
        },
        "models": {"model": MODELS, "params_b": [1.0, 8.0, 70.0], "usd_per_m_out": [0.1, 0.3, 2.0]},
        "outcomes": {
            "prompt_id": ids * len(MODELS),
            "model": np.repeat(MODELS, PROMPTS),
            "tokens_out": [tokens] * PROMPTS * len(MODELS),
            "score": random.integers(0, 2, PROMPTS * len(MODELS)).astype(float),
        },
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return folder


def test_a_classifier_is_trained_on_one_split_and_compared_on_the_other(tmp_path):
    fitted, compared = texts.train(find(None), records(tmp_path), 3, SMALL)
    assert {name for name, _ in fitted.models} == set(MODELS)
    assert (compared.trained_on, compared.held_back) == (80 * len(MODELS), 40 * len(MODELS))
    assert compared.low <= compared.difference <= compared.high
    assert compared.difference == pytest.approx(compared.after - compared.before)


@pytest.mark.parametrize("splits", [("train",), ("validation",)])
def test_records_without_both_splits_are_refused(tmp_path, splits):
    with pytest.raises(BadRecords, match="split"):
        texts.train(find(None), records(tmp_path, splits), 3, SMALL)


def test_records_without_lengths_are_refused(tmp_path):
    with pytest.raises(BadRecords, match="tokens_out"):
        texts.train(find(None), records(tmp_path, tokens=None), 3, SMALL)
