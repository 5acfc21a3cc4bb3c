"""The fastest among those that are good enough."""

from collections import Counter
from dataclasses import replace

from policies.fastest_adequate import FastestAdequate
from policies.language import PolicySpec
from tests.support.world import features, model, request

MODELS = [model("cheap", price=1), model("quick", price=5), model("weak", price=1), model("best", price=9)]
CHANCES = {"cheap": 0.9, "quick": 0.88, "weak": 0.2, "best": 0.95}


def order(moment, number=7, **asked):
    told = replace(features(CHANCES, output_tokens=100), moment=moment)
    strategy = FastestAdequate(PolicySpec(strategy="fastest_adequate"))
    plan = strategy(replace(request(**asked), id=f"r{number}"), told, MODELS)
    return next(plan).model.name


def test_the_first_token_counts_for_a_stream_and_the_whole_answer_otherwise():
    moment = {
        "first_token:cheap": 100.0, "speed:cheap": 10.0, "first_token:quick": 300.0, "speed:quick": 100.0,
        "first_token:best": 900.0, "speed:best": 50.0, "first_token:weak": 1.0, "speed:weak": 1000.0,
    }  # fmt: skip
    assert order(moment, stream=True) == "cheap"
    assert order(moment, stream=False) == "quick"


def test_what_is_not_good_enough_is_never_first_however_fast():
    assert order({"first_token:weak": 1.0, "first_token:best": 5000.0}, stream=True) == "best"


def test_what_nobody_measured_is_tried_by_a_few_and_where_nothing_is_the_cheapest():
    assert order({}, stream=True) == "cheap"
    firsts = Counter(order({"first_token:best": 10.0}, number, stream=True) for number in range(1000))
    assert set(firsts) == {"best", "cheap"}
    assert 20 < firsts["cheap"] < 90
