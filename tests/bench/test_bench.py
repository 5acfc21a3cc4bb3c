"""The harness itself: that it measures, not what it measures."""

import shutil
from contextlib import ExitStack

import pytest

from tests.bench import report
from tests.bench.rounds import Plan, Upstream, measured, started
from tests.bench.static import EVENTS, body, events
from tests.bench.systems import SYSTEMS
from tests.bench.works import Missing, Place, Sample, Work
from tests.support.ledger import rows

BOTH = (Work.JSON, Work.BURST)
LITTLE = Plan(works=BOTH, connections=[2], rounds=1, seconds=1, warm=1, load_core=None, proxy_core=None)


def sample(system, cpu_us, *, work=Work.JSON, connections=64, rps=100.0, errors=0):
    return Sample(
        system=system,
        work=work,
        connections=connections,
        requests=100,
        calls=100,
        errors=errors,
        rps=rps,
        p50_ms=1.0,
        p99_ms=2.0,
        cpu_us=cpu_us,
        memory_mb=100.0,
    )


def bar(samples, what):
    return next(bar for bar in report.bars(report.rows(samples)) if bar.what.startswith(what))


def absent():
    raise Missing("there is none")


def test_the_static_answer_and_stream_are_what_the_documents_say():
    assert 550 < len(body()) < 650
    assert len(events()) == EVENTS == 53


def test_rows_are_medians_of_the_rounds():
    (row,) = report.rows([sample("farthing", cpu, rps=rps) for cpu, rps in ((300, 10), (100, 30), (200, 20))])
    assert (row.cpu_us, row.per_core, row.rps, row.best_rps) == (200, 5000, 20, 30)


def test_the_worst_number_of_connections_decides_the_bar():
    samples = [sample("farthing", 100, connections=1), sample("litellm", 400, connections=1)]
    samples += [sample("farthing", 100), sample("litellm", 9000)]
    missed = bar(samples, "json: requests a second of a core, against litellm")
    assert (missed.measured, missed.met, missed.must) == ("4.0 x", False, True)


def test_a_failed_answer_misses_a_bar():
    assert not bar([sample("farthing", 100, errors=1)], "answers that failed").met


def test_without_a_peer_there_is_no_bar_against_it():
    assert not any("litellm" in bar.what for bar in report.bars(report.rows([sample("farthing", 100)])))


def test_a_missing_peer_is_told_of_and_left_out(tmp_path):
    told = []
    place = Place(folder=tmp_path, core=None, upstream={}, cache=tmp_path)
    with ExitStack() as stack:
        assert list(started({"peer": absent}, place, stack, told.append)) == []
    assert told == ["skipped: peer: there is none"]


@pytest.mark.e2e
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_farthing_is_measured_and_writes_down_every_call(tmp_path):
    farthing = SYSTEMS["farthing"]()
    told = []
    with ExitStack() as stack:
        upstream = Upstream(tmp_path, stack, core=None)
        before = upstream.calls()
        place = Place(folder=tmp_path, core=None, upstream=upstream.urls, cache=tmp_path)
        running = list(started({"farthing": lambda: farthing}, place, stack, told.append))
        samples = list(measured(LITTLE, running, upstream, tmp_path, told.append))
        calls = upstream.calls() - before
    assert [sample.work for sample in samples] == list(BOTH), told
    assert all(sample.requests and not sample.errors and sample.cpu_us for sample in samples), samples
    assert bar(samples, "answers that failed").met
    assert len(rows(farthing.data)) == calls
