"""What a cascade is worth, in worlds where that is known."""

import numpy as np
import pytest

from evaluators import climbing
from evaluators.climbing import compare
from evaluators.trials import Option, Trial
from tests.evaluators.recorded import PAIR

COUNT = 500


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(climbing, "DRAWS", 200)


def world(signal, *, extra=0.0, ratio=20.0):
    """A ladder whose cheap answers are right in half of the cases; `signal` is what a check sees of that."""
    random = np.random.default_rng(5)
    right = (random.random(COUNT) < 0.5).astype(float)
    return Trial(
        pair=PAIR,
        prompts=tuple(f"p{i}" for i in range(COUNT)),
        group=np.array([f"g{i // 2}" for i in range(COUNT)]),
        small=right,
        large=(random.random(COUNT) < 0.9).astype(float),
        small_cost=np.ones(COUNT),
        large_cost=np.full(COUNT, ratio),
        options=(Option(name="check", cost=np.full(COUNT, extra), signals=signal(right, random)[:, None]),),
    )


def seen(right, random):
    return right + random.normal(size=COUNT) * 0.3


def blind(right, random):
    return random.normal(size=COUNT)


EVEN = np.full((COUNT, 2), 0.5)


def test_a_check_that_sees_failures_makes_a_cascade_worth_it():
    found = compare(world(seen), EVEN)
    assert found.beyond.low > 5
    assert found.cascade.low > 5
    assert found.best_cascade.low > 0, "what is right twice over is better than the strong model alone"
    assert found.reached["cascade 95%"].cost.high < 0.7 < found.reached["cascade 95%"].mix.low
    assert {plan for plan, _, _ in found.curve} == {"single model", "routing", "cascade"}


def test_a_check_that_sees_nothing_is_worth_nothing():
    found = compare(world(blind), EVEN)
    assert found.beyond.low < 1
    assert found.cascade.low < 1


def test_a_check_that_costs_as_much_as_the_strong_model_is_not_worth_it():
    assert compare(world(seen, extra=20.0), EVEN).beyond.value < 1


def test_a_classifier_that_knows_makes_routing_worth_it():
    one = world(blind)
    knows = np.column_stack([0.1 + 0.8 * one.small, np.full(COUNT, 0.9)])
    assert compare(one, knows).routing.low > 5
