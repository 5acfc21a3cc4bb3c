"""How much of an engine work that can wait may take."""

import pytest

from batch.gate import AHEAD, FIRST, FULL, QUIET_AFTER, Gate, Terms
from batch.load import EngineLoad, load_of
from router.config.pools import window_of
from tests.support.world import FakeClock

EXPOSITION = b"""# HELP vllm:num_requests_running Number of requests
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 3.0
vllm:num_requests_waiting{engine="0",model_name="tiny"} 2.0
vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 0.25
vllm:request_success_total{engine="0",finished_reason="stop",model_name="tiny"} 5.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="tiny"} 1.5e+01
vllm:prefix_cache_queries_total{engine="0",model_name="tiny"} 900.0
vllm:prefix_cache_hits_total{engine="0",model_name="tiny"} 300.0
process_cpu_seconds_total 5.0
"""


def gate(clock: FakeClock | None = None, **terms) -> Gate:
    return Gate(Terms(**terms), clock or FakeClock())


def test_what_an_engine_says_is_added_up_over_labels():
    load = load_of(EXPOSITION)

    assert (load.running, load.waiting, load.kv_usage, load.ended) == (3, 2, 0.25, 20)
    assert (load.prefix_queries, load.prefix_hits) == (900, 300)


@pytest.mark.parametrize("value", [b"NaN", b"+Inf", b"-Inf", b"+", b"1e", b"\xff"])
def test_a_number_that_is_none_is_passed_over(value):
    broken = EXPOSITION + b"vllm:kv_cache_usage_perc " + value + b"\n"

    assert load_of(broken) == load_of(EXPOSITION)


@pytest.mark.parametrize("exposition", [b"", b"<html>", b"vllm:request_success_total 3", b"\xff" * 100])
def test_who_is_no_vllm_says_nothing(exposition):
    assert load_of(exposition) is None


@pytest.mark.parametrize("slots", [4, 64, 150])
def test_an_engine_that_is_ours_alone_is_filled_with_what_it_runs_and_some_that_wait_there(slots):
    one = gate(most=200)
    one.saw(EngineLoad())
    for _ in range(8):
        while one.busy < one.room():
            one.begun()
        one.saw(EngineLoad(running=min(slots, one.busy), waiting=max(0, one.busy - slots)))

    assert one.room() == min(200, max(FIRST, int(slots * AHEAD)))


def test_one_that_runs_fewer_for_long_gets_fewer():
    one = gate()
    for _ in range(60):
        one.begun()
    one.saw(EngineLoad(running=60))
    assert one.room() >= 60

    for _ in range(200):
        one.saw(EngineLoad(running=1))

    assert one.room() == FIRST


def test_one_that_says_nothing_of_its_load_steers_nobody():
    one = gate(most=64)
    assert (one.steers, one.room()) == (False, 64)
    one.saw(EngineLoad())
    assert (one.steers, one.room()) == (True, FIRST)
    one.saw(None)
    assert (one.steers, one.room()) == (False, 64)


def test_nobody_looks_at_an_engine_that_nobody_asks_for():
    clock = FakeClock()
    one = gate(clock)
    assert not one.in_use

    one.room()
    assert one.in_use
    clock.at += 60
    assert not one.in_use
    one.begun()
    assert one.in_use


def test_others_at_the_engine_keep_us_down_until_they_have_been_gone_for_a_while():
    clock = FakeClock()
    one = gate(clock, most=64, beside_interactive=2)
    one.begun()
    one.saw(EngineLoad(running=4))

    assert one.room() == 2
    clock.at += QUIET_AFTER / 2
    one.saw(EngineLoad(running=1))
    assert one.room() == 2
    clock.at += QUIET_AFTER
    assert one.room() == FIRST


def test_others_are_noticed_by_what_they_finished_between_two_looks():
    one = gate(beside_interactive=1)
    one.saw(EngineLoad(ended=100))
    one.begun()
    one.over()
    one.saw(EngineLoad(ended=101))
    one.begun()
    one.saw(EngineLoad(ended=102, running=1))
    assert one.room() == FIRST
    one.over()

    one.saw(EngineLoad(ended=104))

    assert one.room() == 1


def test_what_others_finished_while_nobody_looked_is_no_matter_now():
    clock = FakeClock()
    one = gate(clock, beside_interactive=1)
    one.looking()
    one.saw(EngineLoad(ended=100))
    clock.at += 60
    one.looking()
    one.saw(EngineLoad(ended=900))
    assert one.room() == FIRST

    clock.at += 1
    one.looking()
    one.saw(EngineLoad(ended=901))
    assert one.room() == 1


def test_a_reading_from_before_ours_ended_shows_nobody_else():
    one = gate(beside_interactive=2)
    one.looking()
    one.saw(EngineLoad())
    for _ in range(60):
        one.begun()
    one.looking()
    for _ in range(60):
        one.over()
    one.saw(EngineLoad(running=40, waiting=20))
    assert one.room() == 80

    one.looking()
    one.saw(EngineLoad(ended=60))
    one.looking()
    one.saw(EngineLoad(ended=60))
    assert one.room() > 2

    one.looking()
    one.saw(EngineLoad(ended=60, running=2))
    assert one.room() == 2


def test_an_interactive_call_of_ours_counts_at_once_whichever_process_sent_it():
    clock, waited = FakeClock(), [None]
    one = Gate(Terms(beside_interactive=3), clock, waited=lambda: waited[0])
    assert one.room() == 256

    waited[0] = clock.now().timestamp() + 3600
    assert one.room() == 256, "a clock that was put back has seen nobody"
    waited[0] = clock.now().timestamp()

    assert one.room() == 3
    clock.at += QUIET_AFTER
    assert one.room() == 256


@pytest.mark.parametrize("full", [{"kv_usage": FULL}, {"preemptions": 1.0}])
def test_an_engine_whose_cache_is_full_takes_no_more_than_it_runs(full):
    one = gate(most=64)
    one.saw(EngineLoad())
    for _ in range(20):
        one.begun()
    one.saw(EngineLoad(running=20))
    assert one.room() == 40

    one.saw(EngineLoad(running=17, waiting=3, **full))

    assert one.room() == 17


def test_an_engine_that_is_not_ready_or_whose_hours_it_is_not_gets_nothing():
    assert Gate(Terms(), FakeClock(), ready=lambda: False).room() == 0
    # The clock of these tests stands at midnight UTC, which is one o'clock in Berlin.
    assert gate(windows=[window_of("22:00-06:00 Europe/Berlin")]).room() == 256
    assert gate(windows=[window_of("08:00-20:00 Europe/Berlin")]).room() == 0
    assert gate(windows=[window_of("08:00-20:00"), window_of("00:00-01:00")]).room() == 256


@pytest.mark.parametrize("text", ["night", "25:00-06:00", "22:00-06:00 Europe/Atlantis", "22:00"])
def test_hours_that_are_none_are_refused_with_an_example(text):
    with pytest.raises(ValueError, match="Europe/Berlin"):
        window_of(text)
