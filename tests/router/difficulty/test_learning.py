"""Own outcomes move a model, and no other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from router.difficulty import training
from router.difficulty.model import Difficulty, Doubt, Lesson
from router.types import Model, Turn

NEW = Model(name="new", upstream="local", upstream_name="new", params_b=8)
THIRD = Model(name="third", upstream="local", upstream_name="third", params_b=8)
OTHER = Model(name="other", upstream="local", upstream_name="other", params_b=8)
EASY = [Turn(role="user", text="What is 12 plus 5?")]
HARD = [Turn(role="user", text="Prove that the integral of $x^9$ converges, number 3.")]


def chance(classifier: Difficulty, turns: list[Turn], model: Model) -> float:
    return classifier.predict(classifier.describe(turns), [model])[model.name].success


def test_failures_lower_the_model_they_are_of(toy: Difficulty) -> None:
    vector = toy.describe(EASY)
    taught = toy.learn([Lesson(model=NEW, vector=vector, score=0.0)] * 20)
    assert chance(taught, EASY, NEW) < chance(toy, EASY, NEW) - 0.1
    assert chance(taught, EASY, OTHER) == pytest.approx(chance(toy, EASY, OTHER), abs=1e-6)


def test_on_strange_text_what_is_common_to_all_moves_models_without_lessons_too(toy: Difficulty) -> None:
    strange = replace(toy, doubt=Doubt(weights=np.array([30.0, 0.0, 0.0, 0.0]), shift=0.5))
    vector = strange.describe(EASY)
    lessons = [Lesson(model=model, vector=vector, score=0.0) for model in (NEW, THIRD) for _ in range(20)]
    taught = strange.learn(lessons)
    assert chance(taught, EASY, NEW) < chance(taught, EASY, OTHER) < chance(strange, EASY, OTHER) - 0.02


def test_models_that_had_lessons_are_not_doubted_any_more(toy: Difficulty) -> None:
    strange = replace(toy, doubt=Doubt(weights=np.array([30.0, 0.0, 0.0, 0.0]), shift=4.0))
    vector = strange.describe(EASY)
    taught = strange.learn([Lesson(model=NEW, vector=vector, score=1.0)] * 60)
    assert chance(strange, EASY, NEW) < 0.9 < chance(taught, EASY, NEW)


def test_lessons_add_up(toy: Difficulty) -> None:
    lesson = Lesson(model=NEW, vector=toy.describe(EASY), score=0.0)
    once = toy.learn([lesson] * 5)
    assert chance(once.learn([lesson] * 5), EASY, NEW) < chance(once, EASY, NEW)


def test_lessons_of_another_artefact_and_no_lessons_teach_nothing(toy: Difficulty) -> None:
    foreign = Lesson(model=NEW, vector=(1.0,) * 99, score=0.0)
    assert (
        chance(toy.learn([foreign]), HARD, NEW) == chance(toy.learn([]), HARD, NEW) == chance(toy, HARD, NEW)
    )


@pytest.mark.parametrize("command", [training.main])
def test_commands_say_what_they_lack(command, tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["--data", str(tmp_path / "nowhere")])
    assert done.exit_code == 2
    assert "does not exist" in done.output
