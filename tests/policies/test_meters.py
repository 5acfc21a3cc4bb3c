"""The circuit breaker rests a model that fails, and lets it back."""

from policies.language import PolicySpec
from policies.meters import Health, Latency
from policies.policy import RoutedPolicy
from tests.support.world import FakeClock, features, model, request, row


class Row:
    def __init__(self, status, error=None, model="m"):
        self.status, self.error, self.model = status, error, model


def failed(health, times, error="Broken"):
    for _ in range(times):
        health.write([Row("failed", error)])


def test_five_failures_in_a_row_rest_a_model():
    health = Health(FakeClock())
    failed(health, 4)
    assert health.resting("m") == 0
    failed(health, 1)
    assert health.resting("m") == 30


def test_a_success_between_starts_the_count_again():
    health = Health(FakeClock())
    failed(health, 4)
    health.write([Row("accepted")])
    failed(health, 4)
    assert health.resting("m") == 0


def test_one_failure_after_the_rest_is_enough_and_the_rest_grows():
    clock = FakeClock()
    health = Health(clock)
    failed(health, 5)
    clock.at = 31
    assert health.resting("m") == 0
    failed(health, 1)
    assert health.resting("m") == 60


def test_a_callers_mistake_speaks_against_nobody():
    health = Health(FakeClock())
    failed(health, 9, "CallerFault")
    assert health.resting("m") == 0


def test_the_last_resort_is_asked_although_it_rests():
    health = Health(FakeClock())
    failed(health, 5)
    policy = RoutedPolicy("p", PolicySpec(), [model("m")], health=health, strongest=None)
    plan, refused = policy.plan(request(), features({"m": 0.5}))
    assert (next(plan).model.name, refused) == ("m", {})


def test_with_another_left_the_resting_one_is_struck_out():
    health = Health(FakeClock())
    failed(health, 5)
    policy = RoutedPolicy("p", PolicySpec(), [model("m"), model("n")], health=health, strongest=None)
    plan, refused = policy.plan(request(), features({"m": 0.9, "n": 0.5}))
    assert (next(plan).model.name, list(refused)) == ("n", ["m"])


def test_a_pace_is_an_average_that_follows_and_is_forgotten():
    clock = FakeClock()
    latency = Latency(clock)
    latency.write([row(model="m", first_token_ms=100.0, duration_ms=1100.0, output_tokens=50)])
    assert latency.moment(["m", "n"]) == {"first_token:m": 100.0, "speed:m": 50.0}
    clock.at = 60.0
    latency.write([row(model="m", first_token_ms=300.0, duration_ms=1300.0, output_tokens=150)])
    assert latency.moment(["m"]) == {"first_token:m": 200.0, "speed:m": 100.0}
    clock.at = 361.0
    assert latency.moment(["m"]) == {}


def test_only_answers_with_a_first_token_are_measured():
    latency = Latency(FakeClock())
    latency.write([row(model="m", first_token_ms=None), row(model="m", purpose="check", first_token_ms=5.0)])
    assert latency.moment(["m"]) == {}
