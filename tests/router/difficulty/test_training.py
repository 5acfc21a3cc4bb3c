"""Training learns what there is to learn, from the train split alone, the same way every time."""

import dataclasses

import numpy as np
import pytest

from router.difficulty import artefact, sheet, training
from router.difficulty.corpus import Corpus
from router.difficulty.model import Difficulty
from router.types import Model, Turn


def model(name: str, **facts) -> Model:
    return Model(name=name, upstream="local", upstream_name=name, **facts)


HARD = [Turn(role="user", text="Prove that the integral of $x^9$ converges, number 3.")]
EASY = [Turn(role="user", text="What is 12 plus 5?")]


def test_hard_questions_and_small_models_are_less_likely_to_go_well(toy: Difficulty) -> None:
    pool = [model("toy-1b"), model("toy-400b")]
    hard, easy = (toy.predict(toy.describe(turns), pool) for turns in (HARD, EASY))
    assert hard["toy-1b"].success < easy["toy-1b"].success - 0.2
    assert hard["toy-1b"].success < hard["toy-400b"].success - 0.1
    assert hard["toy-1b"].output_tokens > 2 * easy["toy-1b"].output_tokens


def test_an_unknown_model_stands_where_its_size_puts_it(toy: Difficulty) -> None:
    pool = [model("new-a", params_b=1), model("new-b", params_b=400), model("new-c")]
    found = toy.predict(toy.describe(EASY), pool)
    assert found["new-a"].success < found["new-c"].success < found["new-b"].success


def test_training_twice_gives_the_same(corpus: Corpus, settings: training.Settings, toy: Difficulty) -> None:
    again = training.learn(corpus.of_split("train"), sheet.measured(corpus.texts), settings)
    assert again.describe(HARD) == toy.describe(HARD)
    assert again.predict(again.describe(HARD), [model("x")]) == toy.predict(toy.describe(HARD), [model("x")])


def test_the_batch_form_of_the_reader_reads_the_same(corpus: Corpus, toy: Difficulty) -> None:
    measured = sheet.measured(corpus.texts[:20])
    features, strange = sheet.features(toy.reader, measured)
    for row, raw in enumerate(measured.raws):
        one, odd = toy.reader.features(raw)
        assert np.allclose(one, features[row], atol=1e-2)
        assert np.allclose(odd, strange[row], atol=1e-2)


def test_an_artefact_says_the_same_after_it_was_written(toy: Difficulty, tmp_path) -> None:
    artefact.save(toy, tmp_path / "toy.npz", {})
    back = artefact.load(tmp_path / "toy.npz")
    pool = [model("toy-8b"), model("new", params_b=3)]
    before, after = (one.predict(one.describe(HARD), pool) for one in (toy, back))
    assert after["toy-8b"].success == pytest.approx(before["toy-8b"].success, abs=0.02)
    assert after["new"].success == pytest.approx(before["new"].success, abs=0.02)


def test_validation_outcomes_are_not_learnt_from(corpus: Corpus) -> None:
    train = corpus.of_split("train")
    assert set(train.split[train.prompt]) == {"train"}
    assert (
        dataclasses.replace(corpus).of_split("validation").score.size + train.score.size == corpus.score.size
    )
