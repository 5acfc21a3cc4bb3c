from datetime import UTC, datetime

import pytest

from router.difficulty import load
from router.learning.adapted import Adapted, Living
from router.learning.folder import Folder, write
from router.learning.local import Cell, Local
from router.learning.standing import find
from router.types import Segment, Turn
from tests.support.world import model

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CODE = Segment("default", "code")
POOL = (model("qwen3-8b", params_b=8.0), model("qwen3-32b", params_b=32.0))


@pytest.fixture(scope="module")
def base():
    return load()


@pytest.fixture(scope="module")
def vector(base):
    return base.describe((Turn(role="user", text="Write a function."),))


def local(base="", **effects) -> Local:
    named = {("model", "qwen3-8b"): (-2.0, 0.3), ("kind", "code"): (0.5, 0.2)}
    return Local(base=base, made=NOW, effects={**named, **effects}, lengths={"qwen3-8b": 2.0})


def test_chances_and_lengths_are_moved_for_whom_and_where_it_was_learnt(base, vector):
    before = base.predict(vector, POOL)
    after = Adapted(base, local()).predict(vector, POOL, CODE)
    assert after["qwen3-8b"].success < before["qwen3-8b"].success
    assert after["qwen3-32b"].success > before["qwen3-32b"].success
    assert after["qwen3-8b"].output_tokens == pytest.approx(2 * before["qwen3-8b"].output_tokens)
    elsewhere = Adapted(base, local()).predict(vector, POOL, Segment("default", "chat"))
    assert elsewhere["qwen3-32b"].success == pytest.approx(before["qwen3-32b"].success)


def test_without_experience_what_was_shipped_is_said(base, vector):
    assert Adapted(base).predict(vector, POOL, CODE) == base.predict(vector, POOL)
    nothing = Local(base="", made=NOW)
    for name, prediction in Adapted(base, nothing).predict(vector, POOL, CODE).items():
        assert prediction.success == pytest.approx(base.predict(vector, POOL)[name].success)


def test_no_experience_makes_certain(base, vector):
    sure = Local(base="", made=NOW, effects={("everywhere",): (50.0, 0.1)})
    assert all(each.success <= 0.99 for each in Adapted(base, sure).predict(vector, POOL).values())


def test_a_new_file_is_taken_without_a_restart_and_a_broken_one_is_not(tmp_path, vector):
    living, folder = Living(tmp_path), Folder(tmp_path)
    shipped = living.predict(vector, POOL, CODE)
    assert living.poll() is False
    write(folder.local, local(find(folder).key).content())
    assert living.poll() is True
    assert living.predict(vector, POOL, CODE)["qwen3-8b"].success < shipped["qwen3-8b"].success
    folder.local.write_bytes(b"garbage")
    assert living.poll() is True
    assert living.predict(vector, POOL, CODE) == shipped
    assert "local.json" in living.found.notes[0]


def test_what_was_learnt_on_top_of_another_classifier_waits(tmp_path, vector):
    write(Folder(tmp_path).local, local("another").content())
    living = Living(tmp_path)
    assert living.found.local is None
    assert "another classifier" in living.found.notes[0]


def test_learning_can_be_off(tmp_path, vector):
    folder = Folder(tmp_path)
    write(folder.local, local(find(folder).key).content())
    assert Living(tmp_path, learns=False).predict(vector, POOL, CODE) == Living().predict(vector, POOL, CODE)


@pytest.mark.parametrize(
    "broken",
    [
        {"effects": [["everywhere", "far", 1]]},
        {"effects": [["everywhere", float("inf"), 1.0]]},
        {"lengths": {"qwen3-8b": -1.0}},
        {"cells": [{"policy": "default"}]},
        {"made": "yesterday"},
    ],
)
def test_a_file_that_makes_no_sense_is_noted_and_ignored(tmp_path, broken):
    folder = Folder(tmp_path)
    write(folder.local, {**local(find(folder).key).content(), **broken})
    living = Living(tmp_path)
    assert living.found.local is None
    assert len(living.found.notes) == 1


def test_what_is_written_is_what_is_read():
    cell = Cell(
        policy="default",
        kind="code",
        model="m",
        outcomes=3,
        checked=2,
        rejected=1,
        promised=0.5,
        found=1.0,
        low=0.4,
        high=1.0,
        shift=0.25,
        doubt=0.5,
    )
    whole = Local(base="b", made=NOW, effects={("everywhere",): (0.5, 0.25)}, cells=(cell,), ignored={"x": 1})
    assert Local.of(whole.content()) == whole
