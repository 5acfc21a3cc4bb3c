"""The best start is found without looking at every model, and is the same as if one had."""

from hypothesis import given
from hypothesis import strategies as st

from policies.priors import Reliability
from policies.prospects import best_start, prospects

CHANCES = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 0.9, 0.95, 1.0]))
COSTS = st.one_of(st.integers(-(10**9), 10**12), st.sampled_from([0, 1, 1000]))
MODELS = st.dictionaries(st.text("abcd", min_size=1, max_size=3), st.tuples(CHANCES, COSTS), min_size=1)


@given(MODELS, st.floats(0, 1), CHANCES, st.floats(0, 0.3), st.integers(1, 4))
def test_the_best_start_is_the_first_of_all_prospects(models, share, catch, alarm, calls):
    chance = {name: told[0] for name, told in models.items()}
    costs = {name: float(told[1]) for name, told in models.items()}
    asked = {
        "enough": share * max(chance.values()),
        "checks": Reliability(catch=catch, alarm=alarm),
        "calls": calls,
    }
    every = prospects(chance, costs, **asked)

    def rank(name):
        poor = every[name].success < asked["enough"]
        return (poor, -every[name].success if poor else every[name].cost, -chance[name], name)

    expected = min(every, key=rank)
    assert best_start(chance, costs.__getitem__, **asked) == (expected, every[expected])


def test_what_weak_or_dear_models_cost_is_not_asked():
    chance = {"strong": 0.9, "dear": 0.85, "cheap": 0.84, "weak": 0.1, "weaker": 0.05}
    costs = {"strong": 100.0, "dear": 5000.0, "cheap": 10.0}
    checks = Reliability(catch=0.2, alarm=0.01)
    name, _ = best_start(chance, costs.__getitem__, enough=0.81, checks=checks, calls=3)
    assert name == "cheap"


def test_a_climb_that_costs_less_than_nothing_makes_a_dearer_start_cheaper():
    # Going on with `kept` saves a prompt cache: to begin elsewhere and perhaps come to it is cheaper still.
    chance = {"strong": 0.9, "kept": 0.89, "other": 0.8}
    costs = {"strong": 100.0, "kept": -1000.0, "other": -950.0}
    checks = Reliability(catch=0.9, alarm=0.1)
    asked = {"enough": 0.7, "checks": checks, "calls": 3}
    name, ahead = best_start(chance, costs.__getitem__, **asked)
    assert name == "other"
    assert ahead == prospects(chance, costs, **asked)["other"]
    assert ahead.cost < costs["kept"]
