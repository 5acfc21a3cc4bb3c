"""Traffic whose truth is known: what is learnt comes near it, and nothing is learnt from nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.learning.effects import Effects, fit
from router.learning.evidence import Evidence, Forgetting
from router.types import Segment

CODE, CHAT = Segment("default", "code"), Segment("default", "chat")


def evidence(model, segment, result, *, told=True, catch=0.35, after=False, days=0.0) -> Evidence:
    count = len(result)
    told = np.broadcast_to(told, count)
    return Evidence(
        models=("small", "large"),
        segments=(CODE, CHAT),
        model=np.broadcast_to(model, count).astype(np.intp),
        segment=np.broadcast_to(segment, count).astype(np.intp),
        vectors=np.zeros((count, 1)),
        result=np.asarray(result, float),
        base=np.where(told, 0.0, 1.0 - catch),
        gain=np.where(told, 1.0, catch),
        told=told,
        after=np.broadcast_to(after, count),
        days=np.broadcast_to(days, count).astype(float),
        tokens=np.full(count, 100.0),
        promised=np.full(count, 0.5),
    )


def learnt(given: Evidence, logits=0.0, **more) -> Effects:
    return fit(given, np.broadcast_to(logits, len(given)).astype(float), doubts=np.full(2, 0.1), **more)


def chance(effects: Effects, model: str, segment: Segment, logit=0.0) -> float:
    moved = logit * (1 + effects.slope(segment)) + effects.shift(model, segment)[0]
    return 1 / (1 + np.exp(-moved))


def test_much_evidence_is_believed_for_each_model_and_kind():
    random = np.random.default_rng(1)
    model, segment = random.integers(0, 2, 4000), random.integers(0, 2, 4000)
    truth = np.array([[0.9, 0.3], [0.95, 0.8]])
    found = learnt(
        evidence(model, segment, random.random(4000) < truth[model, segment]),
        forgetting=Forgetting(outcomes=1e9, days=1e9),
    )
    for at, name in enumerate(("small", "large")):
        for where, place in enumerate((CODE, CHAT)):
            assert chance(found, name, place) == pytest.approx(truth[at, where], abs=0.05)
            assert found.shift(name, place)[1] < 0.3


def test_ten_outcomes_go_most_of_the_way():
    found = learnt(evidence(0, 0, [0.0] * 10))
    assert chance(found, "small", CODE) < 0.25
    assert chance(found, "large", CODE) < 0.5, "what holds for one tells a little of the other"
    assert chance(found, "large", CHAT) > chance(found, "small", CODE)


def test_without_evidence_nothing_moves():
    found = learnt(evidence(0, 0, []))
    assert found.shift("small", CODE) == (0.0, 0.0)
    assert chance(found, "never seen", Segment("other", "math"), 1.0) == pytest.approx(0.731, abs=0.001)


def test_a_passed_check_tells_far_less_than_an_outcome():
    passed = learnt(evidence(0, 0, [1.0] * 20, told=False))
    praised = learnt(evidence(0, 0, [1.0] * 8))
    assert 0.5 < chance(passed, "small", CODE) < chance(praised, "small", CODE)


def test_a_rejection_tells_nearly_as_much_as_a_failure():
    rejected = learnt(evidence(0, 0, [0.0] * 10, told=False))
    assert chance(rejected, "small", CODE) < 0.4


def test_a_million_passed_checks_do_not_drown_fifty_outcomes():
    told = np.arange(5050) < 50
    result = np.where(told, np.arange(5050) % 2, 1.0)
    found = learnt(evidence(0, 0, result, told=told), forgetting=Forgetting(outcomes=1e9))
    assert chance(found, "small", CODE) < 0.7


def test_change_is_followed():
    result = [1.0] * 500 + [0.0] * 150
    found = learnt(evidence(0, 0, result), forgetting=Forgetting(outcomes=50))
    assert chance(found, "small", CODE) < 0.3


def test_old_evidence_fades():
    fresh, old = (learnt(evidence(0, 0, [0.0] * 20, days=days)) for days in (0, 300))
    assert chance(fresh, "small", CODE) < 0.2 < chance(old, "small", CODE)


def test_requests_that_come_after_a_rejection_are_known_to_be_harder():
    result = [1.0, 0.0] * 20
    plain, after = (learnt(evidence(1, 0, result, after=after), 1.0) for after in (False, True))
    assert chance(after, "large", CODE, 1.0) > chance(plain, "large", CODE, 1.0)


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 1),
            st.integers(0, 1),
            st.floats(0, 1),
            st.booleans(),
            st.floats(0, 1e5),
            st.floats(-4.6, 4.6),
        ),
        min_size=1,
        max_size=60,
    )
)
@settings(max_examples=60, deadline=None)
def test_whatever_the_evidence_the_effects_are_finite_and_in_bounds(rows):
    model, segment, result, told, days, logits = map(np.array, zip(*rows, strict=True))
    found = learnt(evidence(model, segment, result, told=told, days=days), logits)
    assert np.isfinite(found.means).all()
    assert np.isfinite(found.spread).all()
    assert np.abs(found.means).max() < 8


def test_many_models_and_segments_take_bounded_memory():
    random = np.random.default_rng(2)
    count = 20_000
    wide = Evidence(
        models=tuple(f"model {i}" for i in range(200)),
        segments=tuple(Segment(f"policy {i}", "chat") for i in range(60)),
        model=random.integers(0, 200, count),
        segment=random.integers(0, 60, count),
        vectors=np.zeros((count, 1)),
        result=random.random(count).round(),
        base=np.zeros(count),
        gain=np.ones(count),
        told=np.ones(count, bool),
        after=np.zeros(count, bool),
        days=np.zeros(count),
        tokens=np.ones(count),
        promised=np.full(count, 0.5),
    )
    found = fit(wide, np.zeros(count), doubts=np.full(200, 0.1))
    assert len(found.means) < 3 + 200 + 60 + 2 + 400 + 10
