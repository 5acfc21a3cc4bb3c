"""A strategy is tested as a list of model names."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cheapest_adequate import CheapestAdequate, Prospect, prospects
from policies.language import PolicySpec
from router.errors import Broken, CallerFault
from router.types import Attempt, Charge, Grade, Status, Usage, Verdict
from tests.support.world import FakeClock, features, model, request


def came_of(decision, *, error=None, rejected=False):
    status = Status.FAILED if error else Status.REJECTED if rejected else Status.ACCEPTED
    return Attempt(
        number=1,
        decision=decision,
        status=status,
        started=FakeClock().now(),
        duration_ms=1.0,
        error=error,
        verdicts=(Verdict(check="shape", passed=False, reason="empty"),) if rejected else (),
        usage=Usage(),
        charge=Charge(amount=0, bound=0, grade=Grade.COMPUTED),
    )


def order(chances, prices, *, spec=None, error=None, rejected=False):
    """The models a plan tries when every attempt ends in the same way."""
    models = [model(name, price=prices[name]) for name in chances]
    plan = CheapestAdequate(spec or PolicySpec(max_attempts=9))(request(), features(chances), models)
    tried, decision = [], next(plan)
    while True:
        tried.append(decision.model.name)
        try:
            decision = plan.send(came_of(decision, error=error, rejected=rejected))
        except StopIteration:
            return tried


CHANCES = {"tiny": 0.3, "small": 0.8, "large": 0.85}
PRICES = {"tiny": 1, "small": 2, "large": 10}


def test_after_a_rejected_answer_it_climbs():
    assert order(CHANCES, PRICES, rejected=True) == ["small", "large", "tiny"]


def test_after_a_failed_upstream_the_other_adequate_one_comes_next():
    assert order(CHANCES, PRICES, error=Broken()) == ["small", "large", "tiny"]


def test_a_callers_mistake_ends_it():
    assert order(CHANCES, PRICES, error=CallerFault()) == ["small"]


def test_it_stops_after_the_policys_attempts():
    assert order(CHANCES, PRICES, spec=PolicySpec(max_attempts=2), rejected=True) == ["small", "large"]


def test_a_higher_target_takes_the_stronger():
    spec = PolicySpec(quality=1, checks=(), max_attempts=2)
    assert order(CHANCES, PRICES, spec=spec, rejected=True)[0] == "large"


def test_ties_go_to_the_stronger_then_to_the_first_name():
    assert order({"b": 0.8, "a": 0.8, "c": 0.81}, {"a": 1, "b": 1, "c": 1}, error=Broken()) == ["c", "a", "b"]


def test_a_start_that_is_likely_to_be_caught_carries_its_climb():
    ahead = prospects({"weak": 0.0, "strong": 1.0}, {"weak": 100, "strong": 1000}, enough=0.9, caught=0.5)
    assert ahead == {"strong": Prospect(cost=1000, success=1.0), "weak": Prospect(cost=600, success=0.5)}


def test_the_climb_goes_to_the_cheapest_that_is_good_enough():
    chance, costs = {"a": 0.5, "b": 0.88, "c": 0.9}, {"a": 1, "b": 10, "c": 100}
    ahead = prospects(chance, costs, enough=0.8, caught=1.0)
    assert ahead["b"] == Prospect(cost=10 + 0.12 * 100, success=pytest.approx(0.88 + 0.12 * 0.9))
    assert ahead["a"].cost == pytest.approx(1 + 0.5 * ahead["b"].cost)


def test_a_weak_start_is_adequate_if_its_failures_are_mostly_caught():
    spec = PolicySpec(quality=0.9)
    assert (
        order({"weak": 0.70, "strong": 0.85}, {"weak": 1, "strong": 10}, spec=spec, rejected=True)[0]
        == "weak"
    )
    unchecked = PolicySpec(quality=0.9, checks=())
    assert (
        order({"weak": 0.70, "strong": 0.85}, {"weak": 1, "strong": 10}, spec=unchecked, rejected=True)[0]
        == "strong"
    )


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.floats(0, 1), min_size=1), st.booleans())
def test_every_model_is_tried_once_and_the_plan_ends(chances, rejected):
    error = None if rejected else Broken()
    tried = order(
        chances, dict.fromkeys(chances, 3), spec=replace_attempts(10), error=error, rejected=rejected
    )
    assert len(tried) == len(set(tried)) == min(len(chances), 10)


def replace_attempts(number):
    return PolicySpec(max_attempts=number)


def test_an_unpriced_model_that_is_allowed_is_still_ordered():
    free = replace(model("free"), prices=None)
    plan = CheapestAdequate(PolicySpec())(request(), features({"free": 0.9}), [free])
    assert next(plan).model is free
