"""A few requests are drawn to be served without routing, and say so."""

from collections import Counter
from itertools import repeat
from random import Random

import pytest

from policies.control import Controlled
from policies.language import ControlArm, PolicySpec
from policies.policy import STRATEGIES
from router.errors import Unreachable
from router.types import Arm
from tests.contracts.test_strategies import attempted
from tests.support.world import features, model, request

CHANCES = {"small": 0.9, "middle": 0.92, "big": 0.95}
MODELS = [model("small", price=1), model("middle", price=3), model("big", price=9)]


def controlled(draw, *, share=0.1, route="baseline", strongest=MODELS[-1]):
    spec = PolicySpec(control=ControlArm(share=share, route=route))
    return Controlled(STRATEGIES["cheapest_adequate"](spec), spec, strongest, draw)


def steps(strategy, *fates, candidates=MODELS):
    """What the plan decides when each attempt meets its fate; `None` is a rejection."""
    plan = strategy(request(), features(CHANCES), candidates)
    decisions = [next(plan)]
    for number, fate in enumerate(fates, start=1):
        try:
            decisions.append(plan.send(attempted(decisions[-1], number, fate)))
        except StopIteration:
            break
    return decisions


def test_most_requests_are_routed_as_ever_and_marked():
    routed = steps(controlled(lambda: 0.5), None)
    plain = steps(STRATEGIES["cheapest_adequate"](PolicySpec()), None)
    assert [step.model.name for step in routed] == [step.model.name for step in plain]
    assert len(routed) > 1
    assert {(step.arm, step.propensity) for step in routed} == {(Arm.ROUTED, 0.9)}


def test_a_control_goes_to_the_strongest_and_is_not_climbed_from():
    (only,) = steps(controlled(lambda: 0.05), None)
    assert (only.model.name, only.arm, only.propensity) == ("big", Arm.CONTROL, 0.1)
    assert only.checks == steps(controlled(lambda: 0.5))[0].checks, "it is judged as the others are"


def test_a_control_whose_upstream_fails_is_answered_by_another_and_stays_one():
    first, second = steps(controlled(lambda: 0.05), Unreachable())
    assert (first.model.name, second.model.name) == ("big", "small")
    assert second.arm is Arm.CONTROL


def test_a_random_control_takes_every_model_as_often():
    strategy = controlled(Random(7).random, share=0.5, route="random")
    drawn = Counter(
        step.model.name
        for step, *_ in (steps(strategy) for _ in repeat(None, 6000))
        if step.arm is Arm.CONTROL
    )
    assert sum(drawn.values()) == pytest.approx(3000, rel=0.05)
    assert all(count == pytest.approx(1000, rel=0.1) for count in drawn.values())


@pytest.mark.parametrize("strongest", [None, model("absent")])
def test_what_the_strongest_may_not_serve_takes_no_part(strongest):
    (step,) = steps(controlled(lambda: 0.0, strongest=strongest))
    assert (step.arm, step.propensity) == (None, None)
