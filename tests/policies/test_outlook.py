"""What a plan may come to, told before anything is spent."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from policies.cheapest_adequate import CheapestAdequate
from policies.language import Escalation, PolicySpec
from policies.outlook import outlook, single
from policies.priors import CHECKS
from router.pricing import quote
from router.types import Limits, Prices
from tests.support.world import features, model, request

AT = datetime(2026, 11, 25, tzinfo=UTC)
SMALL, LARGE = model("small", price=1), model("large", price=10)
MODELS = {"small": SMALL, "large": LARGE}


def steps(spec, *, chances=None, asked=None):
    seen = replace(features(chances or {"small": 0.85, "large": 0.9}), at=AT)
    asked = asked or request()
    plan = CheapestAdequate(spec)(asked, seen, list(MODELS.values()))
    return outlook(spec, asked, seen, plan, MODELS)


def policy(*checks, rescue=()):
    return PolicySpec(checks=checks, escalation=Escalation(rescue=rescue))


def test_a_plan_without_checks_is_one_call_at_its_price():
    (step,) = steps(policy())
    assert step.rejected == 0.0
    assert step.prompt + step.answer == quote(SMALL, input_tokens=10, output_tokens=100, at=AT)


def test_a_step_is_rejected_as_often_as_its_check_catches_or_condemns():
    first, second = steps(policy("judge"))
    judge = CHECKS["judge"]
    assert [first.model, second.model] == [SMALL, LARGE]
    assert first.rejected == pytest.approx(0.15 * judge.catch + 0.85 * judge.alarm)
    assert second.rejected > 0.1 * judge.catch + 0.9 * judge.alarm  # the small one failed: it is hard


def test_samples_are_paid_as_answers():
    first, *_ = steps(policy({"agreement": {"samples": 4}}))
    assert first.checks == 4.0


def test_whom_a_check_asks_is_paid_at_its_own_price():
    spec = policy({"agreement": {"samples": 2, "models": ["peer"]}})
    seen = replace(features({"small": 0.85, "large": 0.9, "peer": 0.5}), at=AT)
    plan = CheapestAdequate(spec)(request(), seen, [SMALL, LARGE])
    first, *_ = outlook(spec, request(), seen, plan, {**MODELS, "peer": model("peer", price=5)})
    assert (first.model, first.checks) == (SMALL, 10.0)


def test_a_second_try_is_a_step_and_dearer():
    first, second, *_ = steps(policy("shape", rescue=("repair",)))
    assert (first.model, second.model) == (SMALL, SMALL)
    assert second.answer == pytest.approx(1.3 * first.answer)
    assert second.most > first.most + SMALL.prices.input * first.bound, "it reads the draft"


def test_no_answer_is_longer_than_it_may_be():
    asked = request(limits=Limits(output_tokens=7, choices=2))
    (step, *_) = steps(policy(), asked=asked)
    assert step.bound == 14.0


def test_the_most_is_more_than_what_is_expected_and_counts_the_checks():
    plain, *_ = steps(policy())
    sampled, *_ = steps(policy({"agreement": {"samples": 3}}))
    assert plain.prompt + plain.answer < plain.most < sampled.most / 3


def test_what_nobody_has_priced_stays_unknown():
    free = replace(SMALL, prices=None)
    step = single(request(), replace(features({"small": 0.5}), at=AT), free)
    assert step.prompt is step.answer is step.most is None


def test_a_price_a_call_is_part_of_the_prompt():
    paid = replace(SMALL, prices=Prices(input=0, output=5, request=1000))
    step = single(request(), replace(features({"small": 0.5}), at=AT), paid)
    assert (step.prompt, step.answer) == (1000, 500)
