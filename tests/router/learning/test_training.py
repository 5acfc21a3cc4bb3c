"""Own outcomes with a known truth: what is trained on them serves newer ones better, or is not taken."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from router.learning.evidence import Evidence
from router.learning.folder import Folder, Unusable
from router.learning.gather import Gathered
from router.learning.standing import find
from router.learning.training import TooLittle, split, train
from router.learning.versions import in_force, path_of, promote, rollback, versions
from router.types import Segment
from tests.support.world import model

NOW = datetime(2026, 11, 24, tzinfo=UTC)
MODELS = {name: model(name, params_b=8.0) for name in ("zork", "plugh")}


@pytest.fixture(scope="module")
def found():
    return find(None)


def gathered(found, count=500, *, weight=1.5, sessions=None, told=True) -> Gathered:
    """Traffic on which one trait decides, far more than was known."""
    random = np.random.default_rng(3)
    vectors = np.zeros((count, found.base.size))
    vectors[:, 3], vectors[:, 4:] = 5.0, random.normal(size=(count, found.base.size - 4))
    which = random.integers(0, 2, count)
    truth = 1 / (1 + np.exp(-weight * vectors[:, 9] * (2 * which - 1)))
    evidence = Evidence(
        models=("plugh", "zork"),
        segments=(Segment("default", "chat"),),
        model=which,
        segment=np.zeros(count, np.intp),
        vectors=vectors,
        result=(random.random(count) < truth).astype(float),
        base=np.zeros(count),
        gain=np.ones(count),
        told=np.full(count, told),
        after=np.zeros(count, bool),
        days=np.linspace(10, 0, count),
        tokens=np.full(count, 300.0),
        promised=np.full(count, 0.5),
    )
    times = [NOW - timedelta(days=float(days)) for days in evidence.days]
    groups = [f"s{at // 5}" for at in range(count)] if sessions is None else sessions
    return Gathered(evidence=evidence, times=times, groups=groups, ignored={})


def test_what_is_better_on_newer_traffic_is_better_beyond_chance(found):
    candidate, compared = train(found, gathered(found, 1500), MODELS, now=NOW, seed=1)
    assert compared.better
    assert compared.after < compared.before
    assert {"plugh", "zork"} <= {name for name, _ in candidate.models}
    vector = tuple([0.0] * 3 + [5.0] + [0.0] * 5 + [2.0] + [0.0] * (found.base.size - 10))
    chances = {name: each.success for name, each in candidate.predict(vector, list(MODELS.values())).items()}
    assert chances["zork"] > 0.55
    assert chances["plugh"] < 0.45


def test_the_same_seed_and_ledger_give_the_same(found):
    one, other = (train(found, gathered(found), MODELS, now=NOW, seed=1) for _ in range(2))
    assert one[1] == other[1]
    assert all(np.array_equal(a.mean, b.mean) for a, b in zip(one[0].beliefs, other[0].beliefs, strict=True))


def test_noise_is_not_taken_for_better(found):
    assert not train(found, gathered(found, 600, weight=0.0), MODELS, now=NOW, seed=1)[1].better


@pytest.mark.parametrize(("count", "told"), [(100, True), (1000, False)])
def test_too_little_is_said(found, count, told):
    with pytest.raises(TooLittle, match="outcomes"):
        train(found, gathered(found, count, told=told), MODELS, now=NOW, seed=1)


def test_no_session_and_no_prompt_is_on_both_sides(found):
    given = gathered(found, 400)
    vectors = given.evidence.vectors
    vectors[390] = vectors[10]
    given = replace(given, groups=["long" if at in {50, 399} else f"r{at}" for at in range(400)])
    older, newer = split(given)
    assert not (older & newer).any()
    assert not older[[10, 50]].any()
    assert newer[[390, 399]].all()
    assert newer.sum() == 100


def test_versions_are_kept_taken_and_given_back(tmp_path):
    folder = Folder(tmp_path)
    assert in_force(folder) is None
    with pytest.raises(Unusable, match="nothing to go back to"):
        rollback(folder)
    folder.artefacts.mkdir(parents=True)
    for version in range(1, 9):
        for suffix in (".npz", ".json"):
            path_of(folder, version).with_suffix(suffix).touch()
        promote(folder, version)
    assert versions(folder) == [4, 5, 6, 7, 8]
    assert in_force(folder) == path_of(folder, 8)
    assert [rollback(folder) for _ in range(4)] == [7, 6, 5, 4]


def test_the_shipped_one_is_what_the_first_goes_back_to(tmp_path):
    folder = Folder(tmp_path)
    folder.artefacts.mkdir(parents=True)
    path_of(folder, 1).touch()
    promote(folder, 1)
    assert rollback(folder) is None
    assert in_force(folder) is None


def test_a_missing_artefact_leaves_the_shipped_one_serving(tmp_path):
    folder = Folder(tmp_path)
    promote(folder, 3)
    found = find(folder)
    assert found.artefact.name == "difficulty.npz"
    assert "missing" in found.notes[0]
