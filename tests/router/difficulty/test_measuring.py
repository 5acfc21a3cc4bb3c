"""What is measured stands beside what needs no classifier; what is not measured says so."""

import dataclasses
import json

import numpy as np
import pytest

from router.difficulty import measuring, sheet
from router.difficulty.corpus import Corpus
from router.difficulty.ladders import Ladder
from router.difficulty.measuring import Bench
from router.difficulty.model import Difficulty
from router.difficulty.routing import routing
from router.difficulty.tables import as_json, as_text
from router.types import Turn


@pytest.fixture(scope="module")
def on(corpus: Corpus, toy: Difficulty) -> Bench:
    return measuring.bench(toy, corpus, sheet.measured(corpus.texts), split=None, draws=2)


def test_vectors_of_a_corpus_are_those_of_its_prompts(corpus: Corpus, toy: Difficulty) -> None:
    vectors = measuring.described(toy, sheet.measured(corpus.texts[:5]))
    for row, text in zip(vectors, corpus.texts, strict=False):
        assert np.allclose(row, toy.describe([Turn(role="user", text=text)]), atol=1e-2)


def test_the_classifier_stands_beside_what_needs_none(on: Bench) -> None:
    sections = list(measuring.difficulty(on))
    text = "\n".join(map(as_text, sections))
    for name in ("each model's mean", "40 nearest prompts", "this classifier", "task math", "data set sums"):
        assert name in text
    found = json.loads(as_json(sections))
    ours = found["chances"]["rows"][-1]
    assert ours["log loss"]["low"] <= ours["log loss"]["high"]
    assert found["lengths"]["rows"][-1]["typical factor off"] < 2
    assert [row["tokens"] for row in found["latency"]["rows"]] == [100, 1_000, 10_000, 250_000]


def test_records_without_a_split_are_measured_whole(corpus: Corpus, toy: Difficulty) -> None:
    plain = dataclasses.replace(corpus, split=np.full(len(corpus.split), ""))
    whole = measuring.bench(toy, plain, sheet.measured(corpus.texts), split=None, draws=2)
    assert len(whole.held.score) == len(corpus.score)
    (chances, *_) = measuring.difficulty(whole)
    assert "nothing to learn from" in chances.notes[-1]


def test_a_ladder_that_cannot_be_climbed_says_so(on: Bench) -> None:
    ladder = Ladder(name="toy", source="made-up", rungs=("toy-1b-instruct", "toy-8b-instruct"))
    table, _ = routing(on, (ladder,))
    assert table.rows[0][:2] == ("toy", 0)
    assert "no price is known" in str(table.rows[0][2])
