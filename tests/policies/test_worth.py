"""A check that does not pay is switched off; one that pays, or of which too little is known, stays."""

from dataclasses import replace

from policies.priors import Reliability
from policies.standing import reliability
from policies.worth import Worth
from router.types import Release
from tests.support.world import features, row

PREDICTIONS = {"small": 0.6, "large": 0.9}


def request_of(worth, *, fired=False, overturned=None, own=0, check="judge"):
    """Book one request: an answer that the check passed, or one that it rejected and what came after."""
    verdicts = {check: "no good" if fired else "pass"}
    first = row(
        verdicts=verdicts,
        verdict_cost={check: own},
        predictions=PREDICTIONS,
        overturned=overturned,
        cost=100,
        status="rejected" if fired else "accepted",
        baseline_model=None if fired else "large",
        baseline_cost=None if fired else 1000,
        final=not fired,
    )
    after = [row(model="large", attempt=2, cost=1000, baseline_model="large", baseline_cost=1000)]
    worth.write([first, *after] if fired else [first])


def off(worth):
    return bool(worth.moment("default", ["judge"]))


def test_a_check_of_false_alarms_is_switched_off():
    worth = Worth()
    for number in range(300):
        request_of(worth, fired=number % 5 == 0, overturned=True)
    assert off(worth)


def test_a_check_that_catches_stays():
    worth = Worth()
    for number in range(300):
        request_of(worth, fired=number % 5 == 0, overturned=False)
    assert not off(worth)


def test_a_paid_check_that_never_fires_is_switched_off_and_a_free_one_is_not():
    paid, free = Worth(), Worth()
    for _ in range(300):
        request_of(paid, own=50)
        request_of(free)
    assert (off(paid), off(free)) == (True, False)


def test_a_check_of_which_little_is_known_stays():
    worth = Worth()
    for _ in range(199):
        request_of(worth, own=50)
    assert not off(worth)


def test_what_was_not_compared_is_no_evidence():
    worth = Worth()
    for number in range(300):
        request_of(worth, fired=number % 5 == 0, overturned=None)
    assert not off(worth)


def test_a_check_that_is_off_still_judges_now_and_then_and_comes_back_when_it_pays():
    worth = Worth()
    for _ in range(250):
        request_of(worth, own=50)
    probes = [not worth.moment("default", ["judge"]) for _ in range(100)]
    assert sum(probes) == 2
    for _ in range(50):
        request_of(worth, fired=True, overturned=False, own=50)
    assert not off(worth)


def test_what_a_check_catches_here_takes_the_place_of_what_was_assumed():
    worth = Worth()
    for number in range(500):
        request_of(worth, fired=number % 5 == 0, overturned=number % 4 == 0)
    told = worth.reliability("default", ["judge", "shape"])
    # A hundred fires, 25 of them false; four in ten answers are expected to be wrong.
    assert told["catch:judge"] == round((50 * 0.5 + 75) / (50 + 200), 4)
    assert told["alarm:judge"] == round((50 * 0.1 + 25) / (50 + 300), 4)
    assert "catch:shape" not in told


def test_of_few_answers_the_assumption_stands():
    worth = Worth()
    for number in range(199):
        request_of(worth, fired=number % 5 == 0, overturned=False)
    assert not worth.reliability("default", ["judge"])


def test_every_strategy_that_weighs_checks_reads_what_was_measured():
    known = replace(features({"a": 0.5}), moment={"catch:judge": 0.9, "alarm:judge": 0.0})
    assert reliability(("judge",), known, Release.HELD) == Reliability(catch=0.9, alarm=0.0)
