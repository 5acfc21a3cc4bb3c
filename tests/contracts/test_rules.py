"""What every rule keeps to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.language import PolicySpec
from policies.rules import RULES
from router.seams import Rule
from router.types import Capability, Limits, Model
from tests.support.world import features, model, request

LEAST = Model(name="a", upstream="u", upstream_name="a")
"""A model of which nothing is known."""

each_rule = pytest.mark.parametrize("name", RULES)


def made(name: str, **spec) -> Rule:
    return RULES[name](PolicySpec(**spec))


@st.composite
def rows(draw: st.DrawFn) -> Model:
    known = st.frozensets(st.sampled_from(Capability))
    window = st.none() | st.integers(1, 10**7)
    row = model("a", price=draw(st.integers(0, 100)), capabilities=draw(known), context_window=draw(window))
    return draw(st.sampled_from([row, LEAST]))


@each_rule
@given(
    row=rows(),
    needs=st.frozensets(st.sampled_from(Capability)),
    limits=st.builds(
        Limits,
        output_tokens=st.none() | st.integers(1, 10**9),
        cost=st.none() | st.integers(0, 10**12),
        choices=st.integers(1, 128),
    ),
    prompt=st.integers(0, 10**7),
)
@settings(max_examples=40)
def test_it_says_why_not_in_a_sentence_or_nothing(name: str, row, needs, limits, prompt):
    asked, told = request(needs=needs, limits=limits), features({"a": 0.5}, prompt_tokens=prompt)
    rule = made(name, max_cost_usd="0.01")
    reason = rule(asked, told, row)
    assert reason is None or (isinstance(reason, str) and 0 < len(reason) < 300)
    assert rule(asked, told, row) == reason


@each_rule
def test_an_ordinary_model_may_serve_an_ordinary_request(name: str):
    assert made(name)(request(), features({"a": 0.5}), model("a")) is None
