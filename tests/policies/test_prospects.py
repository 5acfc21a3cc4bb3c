"""The best start is found without looking at every model, and is the same as if one had."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.priors import Reliability
from policies.prospects import prospects
from policies.starts import FEW, _told_by_the_weakest, best_start


def started(chance, costs, **asked):
    """The best start, by name, and whether it is good enough."""
    names, of = list(chance), (np.array(list(each.values())) for each in (chance, costs))
    place, good = best_start(*of, np.argsort(np.argsort(names)), **asked)
    return names[place], good


CHANCES = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 0.9, 0.95, 1.0]))
COSTS = st.one_of(st.integers(-(10**9), 10**12), st.sampled_from([0, 1, 1000]))
MODELS = st.dictionaries(st.text("abcd", min_size=1, max_size=3), st.tuples(CHANCES, COSTS), min_size=1)


def first_of_all(chance, costs, **asked):
    """The same, of all prospects ranked."""
    every = prospects(chance, costs, **asked)

    def rank(name):
        poor = every[name].success < asked["enough"]
        return (poor, -every[name].success if poor else every[name].cost, -chance[name], name)

    name = min(every, key=rank)
    return name, every[name].success >= asked["enough"]


@given(MODELS, st.floats(0, 1), CHANCES, st.floats(0, 0.3), st.integers(1, 4))
def test_the_best_start_is_the_first_of_all_prospects(models, share, catch, alarm, calls):
    chance = {name: told[0] for name, told in models.items()}
    costs = {name: float(told[1]) for name, told in models.items()}
    enough = share * max(chance.values())
    asked = {"enough": enough, "checks": Reliability(catch=catch, alarm=alarm), "calls": calls}
    assert started(chance, costs, **asked) == first_of_all(chance, costs, **asked)


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(FEW + 1, 120),
    share=st.floats(0.5, 1),
    catch=st.floats(0, 0.95),
    alarm=st.floats(0, 0.3),
    even=st.booleans(),
    decimals=st.integers(1, 9),
)
@settings(max_examples=300)
def test_of_many_models_the_weakest_tell_the_best_start_or_all_are_looked_at(
    seed, count, share, catch, alarm, even, decimals
):
    random = np.random.default_rng(seed)
    chances = np.sort(random.uniform(0.3, 0.99, count).round(decimals))[::-1]
    if even:  # as many rungs of a ladder as there are models, each a little cheaper
        costs = np.linspace(100, 1, count) * random.uniform(0.9, 1.1, count)
    else:
        costs = np.round(random.lognormal(3, 2, count))
    names = [f"m{place}" for place in random.permutation(count)]
    chance, costs = (dict(zip(names, of.tolist(), strict=True)) for of in (chances, costs))
    asked = {
        "enough": share * max(chance.values()),
        "checks": Reliability(catch=catch, alarm=alarm),
        "calls": 3,
    }
    assert started(chance, costs, **asked) == first_of_all(chance, costs, **asked)


def test_of_a_long_ladder_few_rungs_are_looked_at():
    chance, cost = np.linspace(0.7, 0.5, 200), np.linspace(200, 1, 200)
    checks = Reliability(catch=0.3, alarm=0.003)
    assert _told_by_the_weakest(chance, cost, np.arange(200), 0.6, checks) is not None


def test_a_climb_that_costs_less_than_nothing_makes_a_dearer_start_cheaper():
    # Going on with `kept` saves a prompt cache: to begin elsewhere and perhaps come to it is cheaper still.
    chance = {"strong": 0.9, "kept": 0.89, "other": 0.8}
    costs = {"strong": 100.0, "kept": -1000.0, "other": -950.0}
    asked = {"enough": 0.7, "checks": Reliability(catch=0.9, alarm=0.1), "calls": 3}
    assert started(chance, costs, **asked) == first_of_all(chance, costs, **asked) == ("other", True)
