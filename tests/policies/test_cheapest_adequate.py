"""A strategy is tested as a list of model names."""

from dataclasses import replace as but

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.candidates import Candidates
from policies.cheapest_adequate import CheapestAdequate, _Way
from policies.language import Escalation, PolicySpec
from policies.priors import Reliability
from policies.prospects import Prospect, after_failure, best, prospects, rescued
from router.errors import Broken, CallerFault
from router.types import (
    Attempt,
    Charge,
    Choice,
    Grade,
    Reply,
    Rescue,
    Status,
    Thinking,
    Usage,
    Verdict,
)
from tests.support.world import FakeClock, features, model, request


def came_of(decision, *, error=None, rejected=False, said="empty", check="shape", whole=True, **given):
    status = Status.FAILED if error else Status.REJECTED if rejected else Status.ACCEPTED
    return Attempt(
        number=1,
        decision=decision,
        status=status,
        started=FakeClock().now(),
        duration_ms=1.0,
        error=error,
        reply=None if error else Reply(choices=(Choice(text="draft"),), complete=whole),
        verdicts=(Verdict(check=check, passed=False, reason=said),) if rejected else (),
        usage=Usage(),
        charge=Charge(amount=given.pop("cost", 0), bound=0, grade=Grade.COMPUTED),
    )


def climbs(calls):
    """Escalation to other models alone."""
    return Escalation(max_calls=calls, rescue=())


def order(chances, prices, *, spec=None, error=None, rejected=False):
    """The models a plan tries when every attempt ends in the same way."""
    models = [model(name, price=prices[name]) for name in chances]
    plan = CheapestAdequate(spec or PolicySpec(escalation=climbs(9)))(request(), features(chances), models)
    tried, decision = [], next(plan)
    while True:
        tried.append(decision.model.name)
        try:
            decision = plan.send(came_of(decision, error=error, rejected=rejected))
        except StopIteration:
            return tried


CHANCES = {"tiny": 0.3, "small": 0.8, "large": 0.85}
PRICES = {"tiny": 1, "small": 2, "large": 10}


def test_after_a_rejected_answer_it_climbs():
    assert order(CHANCES, PRICES, rejected=True) == ["small", "large"]


def test_after_the_strongest_was_rejected_a_weaker_one_is_asked_only_if_it_is_good_enough():
    chances, prices = {"good": 0.84, "best": 0.85}, {"good": 10, "best": 1}
    assert order(chances, prices, rejected=True) == ["best", "good"]
    assert order({**chances, "good": 0.5}, prices, rejected=True) == ["best"]


def test_after_a_failed_upstream_the_other_adequate_one_comes_next():
    assert order(CHANCES, PRICES, error=Broken()) == ["small", "large", "tiny"]


def test_a_callers_mistake_ends_it():
    assert order(CHANCES, PRICES, error=CallerFault()) == ["small"]


def test_it_stops_after_the_policys_attempts():
    assert order(CHANCES, PRICES, spec=PolicySpec(escalation=climbs(2)), rejected=True) == [
        "small",
        "large",
    ]


def test_a_higher_target_takes_the_stronger():
    spec = PolicySpec(quality=1, checks=(), escalation=climbs(2))
    assert order(CHANCES, PRICES, spec=spec, rejected=True)[0] == "large"


def test_ties_go_to_the_stronger_then_to_the_first_name():
    assert order({"b": 0.8, "a": 0.8, "c": 0.81}, {"a": 1, "b": 1, "c": 1}, error=Broken()) == ["c", "a", "b"]


CATCHES = Reliability(catch=0.5, alarm=0.0)


def test_a_start_that_is_likely_to_be_caught_carries_its_climb():
    costs = {"weak": 100, "strong": 1000}
    ahead = prospects({"weak": 0.0, "strong": 1.0}, costs, enough=0.9, checks=CATCHES, calls=3)
    assert ahead == {"strong": (1000, 1.0), "weak": (600, 0.5)}


def test_a_plan_of_one_call_does_not_climb():
    ahead = prospects(
        {"weak": 0.5, "strong": 1}, {"weak": 1, "strong": 9}, enough=0.9, checks=CATCHES, calls=1
    )
    assert ahead["weak"] == (1, 0.5)


def test_a_plan_of_two_calls_climbs_once():
    chance, costs = {"a": 0.5, "b": 0.85, "c": 0.9}, {"a": 1, "b": 10, "c": 100}
    twice, ever = (
        prospects(chance, costs, enough=0.8, checks=CATCHES, calls=calls)["a"].cost for calls in (2, 3)
    )
    assert twice == pytest.approx(1 + 0.25 * 10)
    assert ever == pytest.approx(1 + 0.25 * (10 + 0.075 * 100))


def test_the_climb_goes_to_the_cheapest_that_is_good_enough():
    chance, costs = {"a": 0.5, "b": 0.88, "c": 0.9}, {"a": 1, "b": 10, "c": 100}
    sure = Reliability(catch=1.0, alarm=0.0)
    ahead = prospects(chance, costs, enough=0.8, checks=sure, calls=3)
    assert ahead["b"].success == pytest.approx(0.88 + 0.12 * after_failure(0.9, 0.88))
    assert ahead["a"].cost == pytest.approx(1 + 0.5 * ahead["b"].cost)


def test_right_answers_that_a_check_condemns_cost_a_climb_too():
    nervous = Reliability(catch=0.0, alarm=0.5)
    ahead = prospects({"a": 1.0, "b": 1.0}, {"a": 1, "b": 1}, enough=0.9, checks=nervous, calls=3)
    assert sorted(there.cost for there in ahead.values()) == [1, 1.5]


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_failure_never_raises_a_chance_and_never_breaks_it(success, failed):
    assert 0.0 <= after_failure(success, failed) <= success


def test_the_cheapest_rescue_that_is_good_enough_is_taken_else_the_most_successful():
    options = [("a", Prospect(9, 0.9)), ("b", Prospect(5, 0.8)), ("c", Prospect(1, 0.3))]
    assert best(options, 0.7)[0] == "b"
    assert best(options, 0.95)[0] == "a"
    assert rescued(0.5, 0.8, 10, Prospect(100, 0.9)) == (60, pytest.approx(0.85))


def steps(*fates, spec=None, asked=None, prices=PRICES, **facts):
    """What a plan tries, with the variant, when its attempts end as `fates` say."""
    models = [model(name, price=prices[name], **facts) for name in CHANCES]
    plan = CheapestAdequate(spec or PolicySpec())(asked or request(), features(CHANCES), models)
    decision = next(plan)
    tried = [(decision.model.name, decision.variant)]
    for fate in fates:
        try:
            decision = plan.send(came_of(decision, **fate))
        except StopIteration:
            break
        tried.append((decision.model.name, decision.variant))
    return tried


BROKEN_JSON = {"rejected": True, "said": "invalid JSON"}


def test_broken_json_is_repaired_by_the_same_model_before_a_dearer_one_is_asked():
    assert steps(BROKEN_JSON, BROKEN_JSON) == [("small", ""), ("small", "repair"), ("large", "")]


def test_a_repair_carries_the_draft_and_the_complaint():
    plan = CheapestAdequate(PolicySpec())(request(), features({"a": 0.8}), [model("a")])
    decision = plan.send(came_of(next(plan), **BROKEN_JSON))
    assert decision.amendment.draft.text == "draft"
    assert decision.amendment.complaint == "shape: invalid JSON"
    assert decision.reason == "repair: shape said invalid JSON (p=0.80)"


def test_an_answer_that_was_cut_off_unseen_cannot_be_repaired():
    assert steps({**BROKEN_JSON, "whole": False})[1] == ("small", "resample")


def test_a_caller_who_wants_the_same_answer_each_time_is_not_resampled():
    assert steps({"rejected": True}, asked=request(repeatable=True))[1] == ("large", "")


def test_a_rescue_that_costs_more_than_the_climb_is_not_made():
    near = {"tiny": 1, "small": 9, "large": 10}
    assert steps({"rejected": True, "check": "refusal", "said": "the model refused"}, prices=near)[1] == (
        "large",
        "",
    )


def test_only_models_that_take_the_order_are_told_to_think():
    doubtful = {"rejected": True, "check": "agreement", "said": "others differ"}
    spec = PolicySpec(quality=0.75, escalation=Escalation(rescue=(Rescue.THINK,)))
    dear = {"tiny": 1, "small": 2, "large": 100}
    assert steps(doubtful, spec=spec, prices=dear)[1] == ("large", "")
    assert steps(doubtful, spec=spec, prices=dear, thinking=Thinking.EFFORT)[1][1] == "think"


def test_what_was_measured_here_overrides_what_was_assumed():
    models = [model(name, price=PRICES[name]) for name in CHANCES]
    known = but(features(CHANCES), moment={"passes:form:repair": 0.0, "passes:form:resample": 0.0})
    plan = CheapestAdequate(PolicySpec())(request(), known, models)
    assert plan.send(came_of(next(plan), **BROKEN_JSON)).model.name == "large"


def test_a_check_that_does_not_pay_is_left_out():
    known = but(features({"a": 0.8}), moment={"off:refusal": 1.0})
    assert next(CheapestAdequate(PolicySpec())(request(), known, [model("a")])).checks == ("shape",)


def test_what_checks_cost_is_part_of_a_plans_price():
    models, chances = [model("here", price=2), model("there", price=3)], features({"here": 0.8, "there": 0.8})
    free = PolicySpec()
    asks = PolicySpec(checks=("shape", {"agreement": {"samples": 5}}))
    judged = PolicySpec(checks=("shape", {"judge": {"model": "there"}}))

    def prices(spec, **given):
        names = tuple(check.label for check in spec.checks)
        way = _Way(spec, request(**given), chances, Candidates(models), names)
        return [round(price, 1) for price in way._totals / way._costs]

    assert prices(free) == [1.0, 1.0]
    assert prices(asks) == [6.0, 6.0]
    assert prices(judged) == [2.0, 1.7]
    assert prices(asks, stream=True) == [1.0, 1.0], "a gate lets no model be asked"


def test_a_check_that_asks_a_model_outside_the_policy_costs_what_that_one_takes():
    models, dear = [model("small", price=1), model("large", price=4)], model("judge", price=50)
    spec = PolicySpec(checks=({"judge": {"model": "judge"}},))

    def checking(told, beside):
        way = _Way(spec, request(), told, Candidates(models, beside), ("judge",))
        return [round(price) for price in (way._totals - way._costs) / 10**6]

    told = features({"small": 0.8, "large": 0.9}, prompt_tokens=0, output_tokens=100)
    expected = but(
        told, predictions={**told.predictions, **features({"judge": 0.9}, output_tokens=20).predictions}
    )
    assert checking(told, {"judge": dear}) == [3500, 3500], "as long as the answer that it judges"
    assert checking(expected, {"judge": dear}) == [700, 700], "as long as it is expected to be"
    assert checking(told, {"judge": model("judge", prices=None)}) == [70, 280], (
        "nobody knows: the answer's price"
    )


def test_leaving_a_prompt_cache_behind_is_a_price():
    models = [model("here", price=3), model("there", price=2)]
    chances = features({"here": 0.8, "there": 0.8})
    moved = but(chances, moment={"kept:here": 10**9})
    assert next(CheapestAdequate(PolicySpec())(request(), chances, models)).model.name == "there"
    assert next(CheapestAdequate(PolicySpec())(request(), moved, models)).model.name == "here"


def test_a_stated_risk_asks_for_a_chance_and_not_for_a_share():
    models = [model(name, price=PRICES[name]) for name in CHANCES]
    strict = but(features(CHANCES), moment={"least": 0.99})
    first = next(CheapestAdequate(PolicySpec())(request(), strict, models))
    assert (first.model.name, first.reason) == ("large", "most likely to succeed (p=0.85)")


def test_the_caps_end_a_climb_but_for_a_caller_without_any_answer():
    poor = PolicySpec(escalation=Escalation(max_cost_usd="0.0005", rescue=()))
    dear = {"rejected": True, "cost": 10**9}
    assert steps(dear, spec=poor) == [("small", "")]
    assert steps({**dear, "whole": False}, spec=poor) == [("small", ""), ("large", "")]
    slow = PolicySpec(escalation=Escalation(max_milliseconds=1, rescue=()))
    assert steps({"rejected": True}, spec=slow) == [("small", "")]


def test_the_last_attempt_there_may_be_says_so():
    plan = CheapestAdequate(PolicySpec(escalation=climbs(2)))(
        request(), features(CHANCES), [model(name, price=PRICES[name]) for name in CHANCES]
    )
    first = next(plan)
    second = plan.send(came_of(first, rejected=True, whole=False))
    assert (first.last, second.last) == (False, True)


def test_a_weak_start_is_adequate_if_its_failures_are_mostly_caught():
    spec = PolicySpec(quality=0.9)
    assert (
        order({"weak": 0.70, "strong": 0.85}, {"weak": 1, "strong": 10}, spec=spec, rejected=True)[0]
        == "weak"
    )
    unchecked = PolicySpec(quality=0.9, checks=())
    assert (
        order({"weak": 0.70, "strong": 0.85}, {"weak": 1, "strong": 10}, spec=unchecked, rejected=True)[0]
        == "strong"
    )


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.floats(0, 1), min_size=1), st.booleans())
def test_every_model_is_tried_at_most_once_and_the_plan_ends(chances, rejected):
    error = None if rejected else Broken()
    spec = PolicySpec(escalation=climbs(10))
    tried = order(chances, dict.fromkeys(chances, 3), spec=spec, error=error, rejected=rejected)
    assert len(tried) == len(set(tried)) <= min(len(chances), 10)
    assert rejected or len(tried) == min(len(chances), 10)
