"""Models that were left out are placed by their facts, and better by labelled prompts."""

import dataclasses

import numpy as np
import pytest

from router.difficulty import sheet, training, unseen
from router.difficulty.corpus import Corpus


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, settings: training.Settings) -> None:
    monkeypatch.setattr(training, "QUICK", settings)


@pytest.mark.usefixtures("quick")
def test_models_left_out_are_measured_at_every_number_of_labels(corpus: Corpus) -> None:
    measured = sheet.measured(corpus.texts)
    chances, routing = unseen.models(corpus, measured, 2)
    assert [row[0] for row in chances.rows] == [f"{count} labelled prompts" for count in unseen.LABELS]
    assert all(row[1] == 40 for row in chances.rows)
    assert "toy-16b-instruct" in chances.notes[0]
    assert routing.rows == ()


@pytest.mark.usefixtures("quick")
def test_sources_left_out_are_measured_before_and_after_fifty_prompts(corpus: Corpus) -> None:
    half = np.arange(200) < 100
    source = np.where(half[corpus.prompt], "one", "two/b")
    two = dataclasses.replace(corpus, source=source)
    chances, routing = unseen.sources(two, sheet.measured(corpus.texts), 2)
    assert [str(row[0]).partition(":")[0] for row in chances.rows] == ["one"] * 3 + ["two"] * 3
    assert chances.rows[0][1] == 800
    assert chances.rows[2][1] == 400
    assert routing.rows == ()


@pytest.mark.usefixtures("quick")
def test_a_source_of_few_prompts_is_measured_without_learning_from_it(corpus: Corpus) -> None:
    source = np.where(corpus.prompt < 40, "few", "many")
    few = dataclasses.replace(corpus, source=source)
    chances, _ = unseen.sources(few, sheet.measured(corpus.texts), 2)
    names = [str(row[0]) for row in chances.rows]
    assert "few: this classifier" in names
    assert "few: it, after 50 prompts" not in names
