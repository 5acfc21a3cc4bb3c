"""Tables say what was measured and what was not."""

import numpy as np

from router.difficulty import measuring, sheet
from router.difficulty.corpus import Corpus
from router.difficulty.ladders import Ladder
from router.difficulty.model import Difficulty
from router.types import Turn


def test_vectors_of_a_corpus_are_those_of_its_prompts(corpus: Corpus, toy: Difficulty) -> None:
    vectors = measuring.described(toy, sheet.measured(corpus.texts[:5]))
    for row, text in zip(vectors, corpus.texts, strict=False):
        assert np.allclose(row, toy.describe([Turn(role="user", text=text)]), atol=1e-2)


def test_the_classifier_stands_beside_the_mean(corpus: Corpus, toy: Difficulty) -> None:
    text = "\n".join(measuring.known(toy, corpus, sheet.measured(corpus.texts)))
    assert "each model's mean" in text
    assert "this classifier" in text
    assert "of it, math" in text


def test_a_ladder_that_cannot_be_climbed_says_so(corpus: Corpus, toy: Difficulty) -> None:
    ladder = Ladder(name="toy", source="made-up", rungs=("toy-1b-instruct", "toy-8b-instruct"))
    nowhere = np.full(len(corpus.subjects), -1)
    (row,) = measuring.routing(corpus, np.zeros((200, 8)), nowhere, [ladder])
    assert row[:3] == ("toy", "0", "not measured: a rung has no outcomes to learn from")
