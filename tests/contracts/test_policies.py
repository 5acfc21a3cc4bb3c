"""What every policy keeps to: no model is lost between those that are tried and those that are struck out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.language import PolicySpec
from policies.meters import Health
from policies.named import pinned_to
from policies.policy import STRATEGIES, RoutedPolicy
from router.seams import Policy
from router.types import Capability
from tests.support.world import FakeClock, features, model, request


def routed(strategy: str, able: dict[str, bool]) -> Policy:
    rows = [
        model(name, capabilities=frozenset({Capability.TOOLS} if can else ())) for name, can in able.items()
    ]
    spec = PolicySpec(strategy=strategy)
    return RoutedPolicy("p", spec, rows, health=Health(FakeClock()), strongest=rows[-1])


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(able=st.dictionaries(st.sampled_from("abcdef"), st.booleans(), min_size=1))
def test_each_model_may_be_tried_or_has_a_reason_why_not(strategy: str, able: dict[str, bool]):
    policy = routed(strategy, able)
    asked = request(needs=frozenset({Capability.TOOLS}))
    candidates = policy.candidates(asked)
    plan, refused = policy.plan(asked, features(dict.fromkeys(able, 0.5)))
    assert {row.name for row in candidates} == able.keys()
    assert all(refused.values())
    if plan is None:
        assert refused.keys() == able.keys()
    else:
        assert next(plan).model.name in able.keys() - refused.keys()


def test_what_a_caller_named_is_tried_whatever_it_can_do():
    row = model("a", capabilities=frozenset(), context_window=1)
    policy: Policy = pinned_to(row, PolicySpec(), health=Health(FakeClock()), strongest=None)
    plan, refused = policy.plan(request(needs=frozenset(Capability)), features({"a": 0.5}))
    assert plan is not None
    assert (next(plan).model, dict(refused)) == (row, {})
