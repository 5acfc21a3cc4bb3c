"""A share of the traffic for each model."""

from collections import Counter
from dataclasses import replace

from policies.language import PolicySpec
from policies.weighted import Weighted
from router.types import Principal
from tests.support.world import features, model, request

MODELS = [model("a"), model("b"), model("c")]
TOLD = features({"a": 0.1, "b": 0.5, "c": 0.9})


def first(number, session=None, **weights):
    strategy = Weighted(PolicySpec(strategy="weighted", weights=weights or None))
    asked = replace(request(), id=f"r{number}", principal=Principal(session=session))
    return next(strategy(asked, TOLD, MODELS)).model.name


def test_each_model_gets_its_share():
    drawn = Counter(first(number, a=90, b=10) for number in range(2000))
    assert set(drawn) == {"a", "b"}
    assert 150 < drawn["b"] < 260


def test_without_weights_all_weigh_the_same():
    assert min(Counter(first(number) for number in range(600)).values()) > 150


def test_a_session_keeps_its_model_and_a_request_draws_the_same_again():
    assert len({first(number, session="s", a=1, b=1) for number in range(50)}) == 1
    assert [first(n, a=1, b=1) for n in range(50)] == [first(n, a=1, b=1) for n in range(50)]


def test_weights_of_models_that_may_not_serve_are_nothing():
    strategy = Weighted(PolicySpec(strategy="weighted", weights={"zork": 1}))
    assert next(strategy(request(), TOLD, MODELS)).model.name == "a"
