"""Strategies with an order of their own ask the same model again where that takes less."""

from dataclasses import replace

import pytest

from policies.language import Escalation, PolicySpec
from policies.policy import STRATEGIES
from router.errors import Broken
from tests.policies.test_cheapest_adequate import came_of
from tests.support.world import features, model, request

CHANCES = {"small": 0.8, "large": 0.9}
DEAR = [model("small", price=1), model("large", price=20)]
ALIKE = [model("small", price=1), model("large", price=1)]


def steps(strategy, models, came, moment=None, **spec):
    """What a plan does, model and way, when its attempts end like this."""
    policy = PolicySpec(strategy=strategy, weights=None, **spec)
    told = replace(features(CHANCES, output_tokens=100), moment=moment or {})
    plan = STRATEGIES[strategy](policy)(replace(request(), id="r1"), told, models)
    tried, decision = [], next(plan)
    for ended in came:
        tried.append((decision.model.name, decision.variant))
        try:
            decision = plan.send(came_of(decision, **ended))
        except StopIteration:
            return tried
    return [*tried, (decision.model.name, decision.variant)]


BROKEN = {"rejected": True, "said": "invalid JSON"}


@pytest.mark.parametrize("strategy", ["weighted", "cascade"])
def test_a_cheap_model_repairs_its_answer_before_a_dear_one_is_asked(strategy):
    models = sorted(DEAR, key=lambda one: one.name == "large")
    weights = {"weights": {"small": 1}} if strategy == "weighted" else {}
    policy = PolicySpec(strategy=strategy, **weights)
    plan = STRATEGIES[strategy](policy)(request(), features(CHANCES, output_tokens=100), models)
    first = next(plan)
    again = plan.send(came_of(first, **BROKEN))
    assert (first.model.name, again.model.name, again.variant) == ("small", "small", "repair")
    assert again.reason == "repair: shape said invalid JSON"
    assert again.amendment.complaint == "shape: invalid JSON"
    assert plan.send(came_of(again, **BROKEN)).model.name == "large"


def test_where_the_next_model_costs_the_same_it_is_asked_at_once():
    assert steps("cascade", ALIKE, [BROKEN]) == [("small", ""), ("large", "")]


def test_the_last_model_tries_again_since_there_is_nobody_else():
    assert steps("cascade", DEAR[1:], [BROKEN, BROKEN]) == [("large", ""), ("large", "repair")]


def test_calls_and_ways_that_a_policy_does_not_allow_are_not_taken():
    once = Escalation(max_calls=1)
    assert steps("cascade", DEAR, [BROKEN], escalation=once) == [("small", "")]
    assert steps("cascade", DEAR, [BROKEN], escalation=Escalation(rescue=())) == [
        ("small", ""),
        ("large", ""),
    ]


def test_an_upstream_that_failed_is_not_asked_again():
    assert steps("cascade", DEAR, [{"error": Broken("gone")}]) == [("small", ""), ("large", "")]


@pytest.mark.parametrize(("slow", "second"), [(9000.0, ("small", "repair")), (110.0, ("large", ""))])
def test_the_fastest_weighs_time_and_not_cost(slow, second):
    moment = {"first_token:small": 100.0, "first_token:large": slow}
    tried = steps("fastest_adequate", ALIKE, [BROKEN], moment, quality=0.8)
    assert tried == [("small", ""), second]
