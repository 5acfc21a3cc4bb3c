"""A policy at work: tiers, rules that are asked again before each step, refusals with every rule."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from policies.language import PolicySpec
from policies.meters import Health, Latency
from policies.policy import RoutedPolicy
from policies.selectors import Deny
from policies.spilling import late
from router.errors import Broken, NoCandidate, StruckOut
from router.types import Attempt, Capability, Charge, Fact, Grade, Status, Usage
from tests.support.world import FakeClock, features, model, request, row

CHANCES = {"a": 0.9, "b": 0.9, "c": 0.9}
NOTHING = Deny()
MODELS = [model("a", price=1), model("b", price=2), model("c", price=3)]


def routed(clock=None, models=MODELS, deny=NOTHING, **spec):
    clock = clock or FakeClock()
    health, latency = Health(clock), Latency(clock)
    policy = RoutedPolicy(
        "p", PolicySpec(**spec), models, health=health, latency=latency, strongest=None, deny=deny
    )
    return policy, health, latency


def failed(decision, number=1):
    return Attempt(
        number=number,
        decision=decision,
        status=Status.FAILED,
        started=datetime(2026, 11, 24, tzinfo=UTC),
        duration_ms=1.0,
        error=Broken(),
        usage=Usage(),
        charge=Charge(amount=0, bound=0, grade=Grade.COMPUTED),
    )


def walked(plan, between=lambda: None):
    """Every upstream fails; `between` happens between two steps."""
    decision, tried = next(plan), []
    while True:
        tried.append(decision)
        between()
        try:
            decision = plan.send(failed(decision, len(tried)))
        except StopIteration:
            return tried


def broken(health, name):
    health.write([row(model=name, status="failed", error="Broken")] * 5)


def test_a_model_that_came_to_rest_between_two_steps_is_passed_over():
    policy, health, _ = routed(strategy="cascade")
    plan, _ = policy.plan(request(), features(CHANCES))
    tried = walked(plan, between=lambda: broken(health, "b"))
    assert [step.model.name for step in tried] == ["a", "c"]
    assert "resting:b" in tried[1].moment


def test_a_deadline_that_passes_ends_the_climb():
    clock = FakeClock()
    policy, _, _ = routed(clock, strategy="cascade", deadline_ms=1000)
    plan, _ = policy.plan(request(), features(CHANCES))

    def wait():
        clock.at += 0.7

    assert [step.model.name for step in walked(plan, between=wait)] == ["a", "b"]


def test_a_model_that_is_too_slow_is_struck_out_until_it_is_forgotten():
    clock = FakeClock()
    policy, _, latency = routed(clock, max_first_token_ms=500)
    latency.write([row(model="a", first_token_ms=900.0, duration_ms=1000.0, output_tokens=10)])
    plan, refused = policy.plan(request(), features(CHANCES))
    assert (next(plan).model.name, refused["a"].rule) == ("b", "soon_enough")
    clock.at = 301.0
    plan, refused = policy.plan(request(), features(CHANCES))
    assert (next(plan).model.name, dict(refused)) == ("a", {})


def test_what_would_end_after_the_deadline_is_struck_out():
    policy, _, latency = routed(deadline_ms=2000)
    latency.write([row(model="a", first_token_ms=100.0, duration_ms=1100.0, output_tokens=20)])
    _, refused = policy.plan(request(), features(CHANCES, output_tokens=100))
    assert refused["a"].reason == "would probably take 5100 ms, of the deadline 2000 ms are left"


def test_preferred_models_come_first_and_others_only_if_they_may():
    ours = {"local": Fact(value=True)}
    models = [model("a", price=1), model("b", price=9, facts=ours), model("c", price=5, facts=ours)]
    policy, _, _ = routed(models=models, prefer={"local": True})
    plan, _ = policy.plan(request(), features(CHANCES))
    assert [step.model.name for step in walked(plan)] == ["c", "b", "a"]
    policy, _, _ = routed(models=models, prefer={"local": True}, spill="refuse")
    plan, refused = policy.plan(request(), features(CHANCES))
    assert [step.model.name for step in walked(plan)] == ["c", "b"]
    assert refused["a"].rule == "prefer"


def test_where_the_preferred_are_late_the_others_come_first_and_say_so():
    models = [model("a"), model("b", facts={"local": Fact(value=True)})]
    policy, _, _ = routed(models=models, prefer={"local": True})
    plan, _ = policy.plan(late(request()), features(CHANCES))
    first, then = walked(plan)
    assert (first.model.name, then.model.name) == ("a", "b")
    assert first.reason.startswith("spilled: the preferred models would be late; ")
    assert not then.reason.startswith("spilled")


@pytest.mark.parametrize("given", [{"prefer": {"local": True}, "spill": "refuse"}, {}])
def test_nothing_spills_that_may_not(given):
    ours = [model("a", price=9), model("b", price=1, facts={"local": Fact(value=True)})]
    policy, _, _ = routed(models=ours, **given)
    plan, refused = policy.plan(late(request()), features(CHANCES))
    usual, usually_refused = policy.plan(request(), features(CHANCES))
    assert [(s.model.name, s.reason) for s in walked(plan)] == [
        (s.model.name, s.reason) for s in walked(usual)
    ]
    assert refused == usually_refused


def test_what_is_struck_out_is_no_place_to_spill_to():
    models = [model("a", prices=None), model("b", facts={"local": Fact(value=True)})]
    policy, _, _ = routed(models=models, prefer={"local": True})
    plan, refused = policy.plan(late(request()), features(CHANCES))
    assert ([s.model.name for s in walked(plan)], refused["a"].rule) == (["b"], "priced")


def test_no_more_calls_are_made_over_all_tiers_than_the_policy_allows():
    models = [model("a", facts={"local": Fact(value=True)}), model("b"), model("c")]
    policy, _, _ = routed(models=models, prefer={"local": True}, escalation={"max_calls": 2})
    plan, _ = policy.plan(request(), features(CHANCES))
    assert len(walked(plan)) == 2


def test_what_is_denied_is_no_last_resort_and_claims_get_old_at_midnight():
    claim = {"trains": Fact(value=False, as_of=datetime(2026, 11, 1, tzinfo=UTC).date())}
    spec = PolicySpec(models={"where": {"trains": False, "max_age_days": 23}})
    policy = RoutedPolicy("p", spec, [model("a", facts=claim)], health=Health(FakeClock()), strongest=None)
    told = features({"a": 0.5})
    assert policy.plan(request(), replace(told, at=datetime(2026, 11, 24, 23, tzinfo=UTC)))[0]
    assert not policy.plan(request(), replace(told, at=datetime(2026, 11, 25, 0, tzinfo=UTC)))[0]
    policy, health, _ = routed(models=[model("a"), model("b")], deny=Deny(models=["a"]))
    broken(health, "b")
    plan, refused = policy.plan(request(), features({"a": 0.5, "b": 0.5}))
    assert (next(plan).model.name, refused["a"].rule) == ("b", "not_denied")


def test_where_nobody_may_serve_every_rule_is_told_and_the_nearest_way_out():
    models = [model("a", capabilities=frozenset(), prices=None), model("b", price=50)]
    policy, _, _ = routed(models=models, max_cost_usd="0.0001")
    asked = request(needs=frozenset({Capability.TOOLS}))
    plan, refused = policy.plan(asked, features({"a": 0.5, "b": 0.5}))
    assert plan is None
    assert (refused["a"].rule, refused["a"].also) == ("priced", ("can_do", "within_cost"))
    error = NoCandidate(refused)
    assert (error.nearest, error.retryable) == (("b", ("within_cost",)), False)


def test_a_refusal_that_passes_says_when_to_come_again():
    policy, _, latency = routed(models=[model("a")], max_first_token_ms=10)
    latency.write([row(model="a", first_token_ms=900.0)])
    _, refused = policy.plan(request(), features({"a": 0.5}))
    error = NoCandidate(refused)
    assert (error.retryable, error.retry_after) == (True, 60.0)


def test_a_step_that_is_passed_over_looks_to_the_strategy_as_a_failure():
    assert StruckOut("x").retryable
