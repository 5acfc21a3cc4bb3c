"""Conditions hold for the requests they are for; impossible and hidden ones are found without a request."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from policies.conditions import Condition
from policies.dispatch import Dispatch, labels_used
from policies.implication import contradiction, implies, shadowing
from policies.predicates import predicate
from router.types import Capability, Principal
from tests.support.world import features, request

NIGHT = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # a Friday
ASKED = {
    "asked": "auto",
    "stream": True,
    "needs": frozenset({Capability.TOOLS}),
    "labels": {"header:x-team": "blue", "role": "main", "language": "de"},
}
WHO = Principal(key="alice", team="research", user="a@b", tags=("x", "y"))


def asked():
    return replace(request(**ASKED), principal=WHO)


def holds(**lines):
    told = replace(features({"a": 0.5, "b": 0.9}, prompt_tokens=100), at=NIGHT)
    return predicate(Condition(**lines))(asked(), told)


@pytest.mark.parametrize(
    ("lines", "so"),
    [
        ({}, True),
        ({"key": "alice"}, True),
        ({"key": ["bob", "al*"]}, True),
        ({"key": "bob"}, False),
        ({"team": "research", "user": "a@*"}, True),
        ({"team": "research", "user": "c@*"}, False),
        ({"tag": ["z", "y"]}, True),
        ({"tag": "z"}, False),
        ({"header": {"X-Team": "bl*"}}, True),
        ({"header": {"x-team": "blue", "x-other": "*"}}, False),
        ({"model": "auto", "dialect": "chat"}, True),
        ({"role": "subagent"}, False),
        ({"language": ["de", "fr"]}, True),
        ({"tools": True, "schema": False, "stream": True}, True),
        ({"tools": False}, False),
        ({"needs": ["tools"]}, True),
        ({"needs": ["tools", "vision"]}, False),
        ({"prompt_tokens": {"at_least": 100, "below": 101}}, True),
        ({"prompt_tokens": {"below": 100}}, False),
        ({"best_chance": {"at_least": 0.9}}, True),
        ({"mean_chance": {"below": 0.7}}, False),
        ({"time": {"after": "22:00", "before": "06:00", "days": ["fri"]}}, True),
        ({"time": {"after": "22:00", "before": "06:00", "zone": "Europe/Berlin", "days": ["sat"]}}, False),
        ({"time": {"after": "08:00", "before": "18:00"}}, False),
        ({"time": {"days": ["fri"]}}, True),
        ({"all": [{"key": "alice"}, {"team": "x"}]}, False),
        ({"any": [{"key": "bob"}, {"team": "research"}]}, True),
        ({"not": {"key": "bob"}}, True),
        ({"not": {"any": [{"key": "alice"}, {"key": "bob"}]}}, False),
    ],
)
def test_a_condition_holds_where_every_line_does(lines, so):
    assert holds(**lines) is so


def test_a_night_that_began_on_friday_is_fridays_after_midnight_too():
    window = predicate(Condition(time={"after": "22:00", "before": "06:00", "days": ["fri"]}))
    told = features({"a": 0.5})
    assert window(asked(), replace(told, at=datetime(2026, 11, 21, 5, 59, tzinfo=UTC)))
    assert not window(asked(), replace(told, at=datetime(2026, 11, 21, 22, 0, tzinfo=UTC)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": {"zone": "Europe/Berln"}},
        {"time": {"after": "24:00"}},
        {"prompt_tokens": {}},
        {"prompt_tokens": {"at_least": 5, "below": 5}},
        {"any": []},
        {"header": {"Authorization": "x"}},
        {"kye": "x"},
    ],
)
def test_what_makes_no_sense_is_no_condition(wrong):
    with pytest.raises(ValidationError):
        Condition(**wrong)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ({"key": "a"}, {}),
        ({"key": "a"}, {"key": ["a", "b"]}),
        ({"key": "alice"}, {"key": "al*"}),
        ({"key": "a", "tools": True}, {"tools": True}),
        ({"prompt_tokens": {"at_least": 10, "below": 20}}, {"prompt_tokens": {"below": 100}}),
        ({"prompt_tokens": {"at_most": 9}}, {"prompt_tokens": {"below": 10}}),
        ({"any": [{"key": "a"}, {"key": "b"}]}, {"key": ["a", "b"]}),
        ({"key": "a"}, {"any": [{"team": "x"}, {"key": "a"}]}),
        ({"all": [{"key": "a"}, {"team": "x"}]}, {"team": "x"}),
        ({"not": {"key": ["a", "b"]}}, {"not": {"key": "a"}}),
        ({"needs": ["tools", "vision"]}, {"needs": ["tools"]}),
        ({"header": {"x": "1", "y": "2"}}, {"header": {"x": "*"}}),
    ],
)
def test_the_narrower_condition_is_found_behind_the_wider_one(narrow, wide):
    assert implies(Condition(**narrow), Condition(**wide))
    assert not implies(Condition(**wide), Condition(**narrow))
    assert list(shadowing({"w": Condition(**wide), "n": Condition(**narrow)})) == [("n", "w")]
    assert list(shadowing({"n": Condition(**narrow), "w": Condition(**wide)})) == []


@pytest.mark.parametrize(
    "never",
    [
        {"tools": True, "all": [{"tools": False}]},
        {"key": "a", "all": [{"key": "b"}]},
        {"prompt_tokens": {"below": 5}, "all": [{"prompt_tokens": {"at_least": 5}}]},
        {"key": "a", "not": {"key": "a*"}},
        {"any": [{"tools": True, "all": [{"tools": False}]}]},
    ],
)
def test_a_condition_that_never_holds_is_found(never):
    assert "can never hold" in contradiction(Condition(**never))


leaves = st.one_of(
    st.builds(lambda n: {"key": n}, st.lists(st.sampled_from(["a", "b", "al*", "alice"]), min_size=1)),
    st.builds(lambda b: {"tools": b}, st.booleans()),
    st.builds(
        lambda low, more: {"prompt_tokens": {"at_least": low, "below": low + more}},
        st.integers(0, 3),
        st.integers(1, 3),
    ),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda many: {"all": many}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda many: {"any": many}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda one: {"not": one}, inner),
    ),
    max_leaves=6,
)
worlds = st.builds(
    lambda key, tools, tokens: (key, tools, tokens),
    st.sampled_from([None, "a", "b", "alice", "c"]),
    st.booleans(),
    st.integers(0, 7),
)


def at(world):
    key, tools, tokens = world
    made = request(needs=frozenset({Capability.TOOLS}) if tools else frozenset())
    return replace(made, principal=Principal(key=key)), features({}, prompt_tokens=tokens)


@given(narrow=trees, wide=trees, world=worlds)
def test_what_is_said_of_conditions_is_true_of_every_request(narrow, wide, world):
    one, two = Condition(**narrow), Condition(**wide)
    if implies(one, two) and predicate(one)(*at(world)):
        assert predicate(two)(*at(world))
    if contradiction(one):
        assert not predicate(one)(*at(world))


@given(rows=st.lists(trees, max_size=6), world=worlds)
def test_the_first_that_holds_is_found_as_if_each_were_asked_in_turn(rows, world):
    conditions = [Condition(**row) for row in rows]
    dispatch = Dispatch([(condition, place) for place, condition in enumerate(conditions)], otherwise=-1)
    first = next((i for i, c in enumerate(conditions) if predicate(c)(*at(world))), -1)
    assert dispatch(*at(world)) == first


def test_only_what_conditions_ask_is_looked_up():
    used = labels_used([Condition(any=[{"role": "main"}, {"header": {"X-A": "1"}}]), Condition(key="a")])
    assert used == (frozenset({"role"}), frozenset({"x-a"}))
