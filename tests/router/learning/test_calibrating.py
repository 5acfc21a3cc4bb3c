"""Models whose ability is known answer prompts; where they are placed is held against that."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from router.difficulty import load
from router.learning.ability import most_telling
from router.learning.calibrating import Calibration, standing
from router.learning.folder import Folder
from router.learning.placed import read_placed, remove_placed, write_placed
from router.learning.standing import find
from tests.support.world import model

NOW = datetime(2026, 11, 24, tzinfo=UTC)
MODELS = {name: model(name) for name in ("zork", "plugh", "qwen2.5-7b-instruct")}


@pytest.fixture(scope="module")
def prior():
    return load()


def calibrated(prior, name, ability, *, anchors=(), prompts=24, seed=1) -> Calibration:
    """Let a model answer whose chance is that of its ability, prompts being a logit harder than they look."""
    random = np.random.default_rng(seed)
    calibration = Calibration(prior=prior, model=MODELS[name], before=MODELS, anchors=anchors)
    while len(calibration.answered) < prompts:
        for question in calibration.ask(8):
            logit = ability - 1.0 - 0.6 * (question.place.level - 3)
            calibration.tell(question, right=bool(random.random() < 1 / (1 + np.exp(-logit))))
    return calibration


def test_a_strong_model_is_placed_above_a_weak_one_and_doubt_shrinks(prior):
    weak, strong = (calibrated(prior, "zork", ability).standing() for ability in (-1.0, 2.5))
    before = standing(prior, Calibration(prior=prior, model=MODELS["zork"], before=MODELS).prior_belief())
    assert weak[0] < before[0] < strong[0]
    assert max(weak[1], strong[1]) < 0.95 * before[1]


def test_a_known_model_anchors_the_scale(prior):
    lone = calibrated(prior, "zork", 1.0)
    (anchor,) = calibrated(prior, "qwen2.5-7b-instruct", -0.3, prompts=40).placed(NOW, None)
    anchored = calibrated(prior, "zork", 1.0, anchors=[anchor])
    assert anchored.standing()[1] < 0.95 * lone.standing()[1]
    assert [each.model for each in anchored.placed(NOW, 5)] == ["qwen2.5-7b-instruct", "zork"]


def test_prompts_of_every_difficulty_are_asked_but_not_alike(prior):
    answered = calibrated(prior, "zork", 0.0).answered
    assert len({each.family for each in answered}) > 6
    assert len({(each.family, each.level, each.seed) for each in answered}) == len(answered)


def test_the_same_seed_and_answers_ask_the_same(prior):
    assert calibrated(prior, "zork", 0.0).answered == calibrated(prior, "zork", 0.0).answered


def test_the_most_telling_prompt_is_in_doubt_and_not_doubtful_itself():
    spread = np.diag([1.0, 0.01, 4.0])
    candidates = np.array([[1.0, 0, 0], [0.2, 0, 0], [1.0, 0, 1.0]])
    assert most_telling(np.zeros(3), spread, candidates, np.eye(3)[:1], 1) == [0]
    certain = np.array([[1.0, 9.0, 0], [1.0, 0.1, 0]])
    assert most_telling(np.array([0.0, 1.0, 0]), spread, certain, np.eye(3)[:1], 1) == [1]


def test_where_a_model_was_placed_is_kept_and_taken_back(prior, tmp_path):
    folder = Folder(tmp_path)
    placed = calibrated(prior, "zork", 9.0, prompts=16).placed(NOW, 7)
    write_placed(folder, placed)
    (kept,) = read_placed(folder)
    assert (kept.model, kept.cost, kept.answers) == ("zork", 7, placed[0].answers)
    assert np.allclose(kept.belief.mean, placed[0].belief.mean)
    vector = prior.describe(())
    raised, shipped = (
        each.predict(vector, [MODELS["zork"]])["zork"].success for each in (find(folder).base, prior)
    )
    assert raised > shipped
    assert (remove_placed(folder, "other"), remove_placed(folder, "zork")) == (0, 1)
    assert read_placed(folder) == ()


def test_answers_outlive_the_classifier_they_were_given_under(prior, tmp_path):
    folder = Folder(tmp_path)
    placed = calibrated(prior, "zork", 2.5, prompts=16).placed(NOW, 7)
    write_placed(folder, [replace(placed[0], scale="another")])
    found = find(folder)
    assert found.placed == ()
    assert "--again" in found.notes[0]
    (again,) = Calibration(
        prior=prior, model=MODELS["zork"], before=MODELS, answered=list(found.all_placed[0].answers)
    ).placed(NOW, None)
    assert np.allclose(again.belief.mean, placed[0].belief.mean)
