"""A small made-up world: easy and hard questions, weak and strong models."""

import numpy as np
import pytest

from router.difficulty import sheet, training
from router.difficulty.corpus import Corpus, Subject
from router.difficulty.facts import Facts
from router.difficulty.model import Difficulty
from router.difficulty.network import Recipe

SIZES = (1, 2, 4, 8, 16, 32, 70, 400)


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    random = np.random.default_rng(1)
    hard = random.random(200) < 0.5
    texts = tuple(
        f"Prove that the integral of $x^{i % 7}$ converges, number {i}."
        if is_hard
        else f"What is {i} plus {i % 9}?"
        for i, is_hard in enumerate(hard)
    )
    subjects = tuple(
        Subject(name=f"toy-{size}b-instruct", tuned=True, facts=Facts(params_b=float(size), open_weight=True))
        for size in SIZES
    )
    prompt, subject = (grid.ravel() for grid in np.meshgrid(np.arange(200), np.arange(len(SIZES))))
    logits = 1.5 - 3.0 * hard[prompt] + 0.5 * np.log(np.array(SIZES))[subject]
    tokens = np.where(hard[prompt], 400.0, 40.0)
    return Corpus(
        texts=texts,
        dataset=np.where(hard, "proofs", "sums"),
        task=np.where(hard, "math", "knowledge"),
        group=np.array([f"g{i}" for i in range(200)]),
        split=np.where(np.arange(200) % 5 == 0, "validation", "train"),
        subjects=subjects,
        prompt=prompt,
        subject=subject,
        source=np.full(len(prompt), "made-up"),
        score=(random.random(len(prompt)) < 1 / (1 + np.exp(-logits))).astype(float),
        tokens=tokens,
    )


@pytest.fixture(scope="session")
def settings() -> training.Settings:
    recipe = Recipe(hidden=8, traits=3, epochs=20, batch=32)
    return training.Settings(dimensions=4, folds=2, rounds=2, crowd=8, draws=200, recipe=recipe)


@pytest.fixture(scope="session")
def toy(corpus: Corpus, settings: training.Settings) -> Difficulty:
    return training.learn(corpus.of_split("train"), sheet.measured(corpus.texts), settings)
