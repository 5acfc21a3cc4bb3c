"""A rule gives a reason, or nothing."""

from dataclasses import replace
from datetime import date

import pytest

from policies.language import PolicySpec
from policies.meters import Health
from policies.policy import RoutedPolicy
from policies.rules import RULES, TERMS
from policies.selectors import Deny
from router.types import Capability, Limits, Principal, Scopes
from tests.support.world import FakeClock, features, model, request

CLOCK = FakeClock()


def reason(rule, asked, candidate, *, spec=None, chances=None):
    return RULES[rule](spec or PolicySpec())(asked, features({candidate.name: 0.5}), candidate)


def of_key(**scopes):
    return replace(request(), principal=Principal(key="k", scopes=Scopes(**scopes)))


@pytest.mark.parametrize(
    ("rule", "asked", "candidate", "said"),
    [
        (
            "can_do",
            request(needs={Capability.TOOLS}),
            model("m", capabilities=frozenset()),
            "not known to support tools",
        ),
        ("can_do", request(needs={Capability.TOOLS}), model("m"), None),
        (
            "can_do",
            request(needs={Capability.JSON_OBJECT}),
            model("m", capabilities=frozenset({Capability.JSON_SCHEMA})),
            None,
        ),
        (
            "fits_context",
            request(),
            model("m", context_window=100),
            "needs about 110 tokens, its context window has 100",
        ),
        ("fits_context", request(), model("m", context_window=110), None),
        ("fits_context", request(limits=Limits(output_tokens=90)), model("m", context_window=100), None),
        ("fits_context", request(), model("m", context_window=None), None),
        ("within_cost", request(), model("m"), None),
        ("within_cost", request(limits=Limits(cost=110 * 10**6)), model("m"), None),
        (
            "within_cost",
            request(limits=Limits(cost=109 * 10**6)),
            model("m"),
            "expected to cost $0.000110, the ceiling is $0.000109",
        ),
        ("healthy", request(), model("m"), None),
        ("in_scope", request(), model("m"), None),
        ("in_scope", of_key(models={"m"}), model("m"), None),
        ("in_scope", of_key(models={"n"}), model("m"), "the key 'k' is not for it"),
    ],
)
def test_each_rule_says_why_or_nothing(rule, asked, candidate, said):
    assert reason(rule, asked, candidate) == said


def test_an_unpriced_model_passes_where_the_policy_allows_it():
    unpriced, today = model("m", prices=None), date(2026, 11, 24)
    assert "its price is unknown" in TERMS["priced"](PolicySpec(), Deny(), unpriced, today)
    assert TERMS["priced"](PolicySpec(), Deny(), model("m"), today) is None
    assert TERMS["priced"](PolicySpec(on_unpriced="allow"), Deny(), unpriced, today) is None


def test_an_unpriced_model_keeps_no_ceiling():
    spec = PolicySpec(max_cost_usd="1", on_unpriced="allow")
    assert "no cost ceiling" in reason("within_cost", request(), model("m", prices=None), spec=spec)


def test_a_pinned_policy_asks_only_what_it_may_cost():
    spec = PolicySpec(strategy="pinned")
    policy = RoutedPolicy(
        "pinned",
        spec,
        [model("m", capabilities=frozenset(), context_window=1)],
        health=Health(CLOCK),
        strongest=None,
    )
    plan, refused = policy.plan(request(needs={Capability.TOOLS}), features({"m": 0.5}))
    assert next(plan).model.name == "m"
    assert refused == {}
