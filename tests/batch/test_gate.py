"""How much of an engine work that can wait may take."""

import pytest

from batch.gate import FULL, QUIET_AFTER, Gate, Terms
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


@pytest.mark.parametrize("exposition", [b"", b"<html>", b"vllm:request_success_total 3", b"\xff" * 100])
def test_who_is_no_vllm_says_nothing(exposition):
    assert load_of(exposition) is None


def test_an_engine_that_is_ours_alone_is_filled():
    one = gate(most=64)
    for _ in range(40):
        one.begun()

    one.saw(EngineLoad(running=38, waiting=2))

    assert one.room() == 64


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
    assert one.room() == 64


def test_others_are_noticed_by_what_they_finished_between_two_looks():
    one = gate(beside_interactive=1)
    one.saw(EngineLoad(ended=100))
    one.begun()
    one.over()
    one.saw(EngineLoad(ended=101))
    one.begun()
    one.saw(EngineLoad(ended=102, running=1))
    assert one.room() == 256
    one.over()

    one.saw(EngineLoad(ended=104))

    assert one.room() == 1


def test_an_interactive_call_of_ours_counts_at_once_whichever_process_sent_it():
    clock, waited = FakeClock(), [None]
    one = Gate(Terms(beside_interactive=3), clock, waited=lambda: waited[0])
    assert one.room() == 256

    waited[0] = clock.now().timestamp()

    assert one.room() == 3
    clock.at += QUIET_AFTER
    assert one.room() == 256


def test_a_full_cache_takes_no_more_than_it_has():
    one = gate(most=64)
    for _ in range(5):
        one.begun()

    one.saw(EngineLoad(running=5, kv_usage=FULL))

    assert one.room() == 5


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
