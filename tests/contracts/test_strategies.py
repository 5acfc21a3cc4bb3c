"""What every strategy keeps to, whatever comes of the attempts it plans."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.language import Escalation, PolicySpec
from policies.policy import STRATEGIES
from router.errors import Broken, CallerFault, Unreachable, UpstreamError
from router.seams import Strategy
from router.types import Attempt, Charge, Decision, Grade, Model, Release, Reply, Status, Usage, Verdict
from tests.support.world import features, model, request

MANY = 50
"""More attempts than any policy may ask for."""

each_strategy = pytest.mark.parametrize("name", STRATEGIES)
some = settings(max_examples=30)


@dataclass(frozen=True)
class Case:
    """A catalogue, what the classifier thinks of it, and what comes of each attempt in turn."""

    models: Sequence[Model]
    chances: dict[str, float]
    fates: Sequence[UpstreamError | None]
    max_calls: int
    stream: bool


@st.composite
def cases(draw: st.DrawFn) -> Case:
    names = draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True))
    prices = st.integers(0, 5)
    fates = st.sampled_from([None, Broken(), Unreachable(), CallerFault()])
    return Case(
        models=[
            model(name, price=draw(prices)) if draw(st.booleans()) else model(name, prices=None)
            for name in names
        ],
        chances={name: draw(st.floats(0, 1)) for name in names},
        fates=draw(st.lists(fates, min_size=1, max_size=12)),
        max_calls=draw(st.integers(1, 10)),
        stream=draw(st.booleans()),
    )


def attempted(decision: Decision, number: int, error: UpstreamError | None) -> Attempt:
    """An attempt that did not bring the answer: the upstream failed, or a check did."""
    return Attempt(
        number=number,
        decision=decision,
        status=Status.FAILED if error else Status.REJECTED,
        started=datetime(2026, 11, 23, tzinfo=UTC),
        duration_ms=1.0,
        reply=None if error else Reply(),
        error=error,
        verdicts=() if error else (Verdict(check="shape", passed=False, reason="empty"),),
        usage=Usage(),
        charge=Charge(amount=None, bound=None, grade=Grade.UNPRICED),
    )


def played(make: Callable[[PolicySpec], Strategy], name: str, case: Case) -> list[Decision]:
    """Play a plan to its end, or until it is plain that it has none."""
    spec = PolicySpec(strategy=name, escalation=Escalation(max_calls=case.max_calls))
    asked = request(stream=case.stream)
    plan = make(spec)(asked, features(case.chances), case.models)
    decisions = [next(plan)]
    while len(decisions) < MANY:
        fate = case.fates[(len(decisions) - 1) % len(case.fates)]
        try:
            decisions.append(plan.send(attempted(decisions[-1], len(decisions), fate)))
        except StopIteration:
            break
    return decisions


@each_strategy
@given(case=cases())
@some
def test_it_ends_within_the_attempts_it_may_make(name: str, case: Case):
    assert 1 <= len(played(STRATEGIES[name], name, case)) <= case.max_calls


@each_strategy
@given(case=cases())
@some
def test_it_tries_only_what_the_rules_let_pass(name: str, case: Case):
    assert all(decision.model in case.models for decision in played(STRATEGIES[name], name, case))


@each_strategy
@given(case=cases())
@some
def test_it_tries_no_model_more_than_twice(name: str, case: Case):
    tried = Counter(decision.model.name for decision in played(STRATEGIES[name], name, case))
    assert max(tried.values()) <= 2


@each_strategy
@given(case=cases())
@some
def test_it_stops_where_the_request_itself_is_wrong(name: str, case: Case):
    wrong = Case(case.models, case.chances, [CallerFault()], case.max_calls, case.stream)
    assert len(played(STRATEGIES[name], name, wrong)) == 1


@each_strategy
@given(case=cases())
@some
def test_it_decides_the_same_again_and_keeps_nothing_between_requests(name: str, case: Case):
    strategy = STRATEGIES[name](PolicySpec(strategy=name, escalation=Escalation(max_calls=case.max_calls)))
    assert played(lambda _: strategy, name, case) == played(lambda _: strategy, name, case)


@each_strategy
@given(case=cases())
@some
def test_every_decision_says_why_and_follows_the_policy(name: str, case: Case):
    spec = PolicySpec()
    for decision in played(STRATEGIES[name], name, case):
        assert decision.reason
        assert decision.checks == tuple(check.label for check in spec.checks)
        assert decision.release is (spec.stream_release if case.stream else Release.HELD)
        assert decision.expected_cost is None or decision.expected_cost >= 0


@each_strategy
def test_a_plan_can_be_left_at_any_time(name: str):
    plan = STRATEGIES[name](PolicySpec(strategy=name))(request(), features({"a": 0.5}), [model("a")])
    next(plan)
    plan.close()
