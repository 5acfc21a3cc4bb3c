"""A stated risk: a threshold where outcomes bear it, the most successful plan where they do not, an alarm."""

import random
from dataclasses import replace

from policies.cheapest_adequate import CheapestAdequate
from policies.language import PolicySpec, StatedRisk
from router.promises import Promises
from router.types import Attempt, Charge, Choice, Decision, Grade, Outcome, Reply, Status, Usage
from tests.support.world import FakeClock, features, model, request

RISK = StatedRisk(max_failure_rate=0.1, confidence=0.95)
SPEC = PolicySpec(quality=RISK)
CHANCES = {"small": 0.8, "large": 0.95}
MODELS = [model("small", price=1), model("large", price=10)]


def outcomes(count, *, seed=1, drift=0.0):
    """Outcomes of a classifier that is calibrated, but for `drift`."""
    dice = random.Random(seed)
    scores = [dice.uniform(0.5, 1.0) for _ in range(count)]
    return [[float(at), score, float(dice.random() > score - drift)] for at, score in enumerate(scores)]


def failures_just_above(threshold, *, seed):
    """What a policy that takes the cheapest would see: answers just above the threshold."""
    fresh = [failed for _, score, failed in outcomes(20_000, seed=seed) if 0 <= score - threshold < 0.05]
    return sum(fresh) / len(fresh) if fresh else 0.0


def audited(score=0.95):
    attempt = Attempt(
        number=1,
        decision=Decision(model=MODELS[1], reason="r"),
        status=Status.ACCEPTED,
        started=FakeClock().now(),
        duration_ms=1,
        reply=Reply(choices=(Choice(text="x"),)),
        usage=Usage(),
        charge=Charge(amount=1, bound=1, grade=Grade.COMPUTED),
    )
    known = features({"large": score})
    return Outcome(request=request(), features=known, policy="p", config="c", refused={}, attempts=(attempt,))


def first(moment):
    known = replace(features(CHANCES), moment=moment)
    return next(CheapestAdequate(SPEC)(request(), known, MODELS))


def test_with_too_few_outcomes_the_most_successful_serves_and_the_reason_says_so():
    promises = Promises()
    promises.load({"p": outcomes(20)})
    decision = first(promises.moment("p", RISK))
    assert decision.model.name == "large"
    assert decision.reason == (
        "most likely to succeed; 20 outcomes are too few for the stated risk, 29 at least (p=0.95)"
    )
    assert first(Promises().moment("p", RISK)).model.name == "large"


def test_enough_outcomes_give_a_threshold_above_which_the_promise_holds():
    promises = Promises()
    promises.load({"p": outcomes(3000)})
    threshold = promises.moment("p", RISK)["least"]
    assert 0.85 < threshold < 0.95
    assert failures_just_above(threshold, seed=2) <= 0.1


def test_a_plan_serves_that_reaches_the_threshold_by_its_own_answer():
    assert first({"least": 0.75}).model.name == "small"
    assert first({"least": 0.85}).model.name == "large"


def test_outcomes_of_high_chances_say_nothing_of_low_ones():
    promises = Promises()
    promises.load({"p": [[float(at), 0.95, 0.0] for at in range(500)]})
    assert 0.89 < promises.moment("p", RISK)["least"] <= 0.95


def test_the_promise_holds_in_most_of_many_resamplings():
    kept = 0
    for seed in range(20):
        promises = Promises()
        promises.load({"p": outcomes(1500, seed=seed)})
        threshold = promises.moment("p", RISK)["least"]
        kept += failures_just_above(threshold, seed=1000 + seed) <= 0.1
    assert kept >= 19


def test_audits_that_find_more_failures_than_promised_raise_an_alarm_and_void_what_was_known():
    alarms = []
    promises = Promises(lambda policy, broken: alarms.append((policy, broken)))
    promises.load({"p": outcomes(3000)})
    for at in range(60):
        promises.note(audited(), RISK, 4000.0 + at, failed=at % 2 == 0)
        if alarms:
            break
    assert alarms == [("p", True)]
    assert first(promises.moment("p", RISK)).model.name == "large"
    promises.load({"p": [[5000.0 + at, 0.95, 0.0] for at in range(100)]})
    assert first(promises.moment("p", RISK)).model.name == "large", "0.8 was not seen to hold"
    assert promises.moment("p", RISK)["least"] <= 0.95
    assert alarms == [("p", True), ("p", False)]


def test_audits_within_the_promise_raise_none():
    alarms, dice = [], random.Random(3)
    promises = Promises(lambda policy, broken: alarms.append((policy, broken)))
    for at in range(1000):
        promises.note(audited(), RISK, float(at), failed=dice.random() < 0.08)
    assert alarms == []


def test_what_was_audited_here_counts_until_the_ledger_tells_it():
    promises = Promises()
    for at in range(40):
        promises.note(audited(), RISK, float(at), failed=False)
    assert "needed" not in promises.moment("p", RISK)
    promises.load({"p": [[float(at), 0.95, 0.0] for at in range(40)]})
    assert "needed" not in promises.moment("p", RISK)
