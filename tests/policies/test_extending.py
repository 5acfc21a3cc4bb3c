"""A policy that extends another is like it where it says nothing itself."""

import pytest

from policies.extending import extended, presets
from policies.language import PolicySpec


def filled(**policies):
    done, wrong = extended(policies)
    assert wrong == []
    return done


def test_mappings_are_joined_and_the_rest_is_replaced():
    base = {"checks": ["shape"], "gate": {"tokens": 10, "milliseconds": 5}, "when": {"key": "x"}}
    done = filled(base=base, own={"extends": "base", "gate": {"tokens": 20}, "checks": []})
    assert done["own"] == {"extends": "base", "checks": [], "gate": {"tokens": 20, "milliseconds": 5}}


def test_what_a_base_demands_of_models_is_not_lost_by_naming_some():
    done = filled(own={"extends": "private", "models": ["a"]})
    assert done["own"]["models"] == {"names": ["a"], "where": presets()["private"]["models"]["where"]}


def test_a_policy_with_a_presets_name_extends_the_preset():
    done = filled(private={"extends": "private", "quality": 0.5}, other={"extends": "private"})
    assert done["private"]["on_substitution"] == "refuse"
    assert done["other"]["quality"] == 0.5


@pytest.mark.parametrize(
    ("policies", "name", "said"),
    [
        ({"a": {"extends": "b"}, "b": {"extends": "a"}}, "a", "goes in a circle: a -> b -> a"),
        ({"a": {"extends": "a"}}, "a", "a policy cannot extend itself"),
        ({"a": {"extends": "zork"}}, "a", "there is no policy or preset 'zork'"),
    ],
)
def test_a_base_that_leads_nowhere_is_told(policies, name, said):
    _, wrong = extended(policies)
    assert said in dict(wrong)[name]


@pytest.mark.parametrize("name", presets())
def test_every_preset_is_a_policy_that_says_what_it_is_for(name):
    assert PolicySpec(**presets()[name]).description


def test_the_first_preset_is_what_a_policy_is_that_says_nothing():
    plain = PolicySpec(**presets()["cheapest-adequate"])
    assert plain.model_copy(update={"description": None}) == PolicySpec()
