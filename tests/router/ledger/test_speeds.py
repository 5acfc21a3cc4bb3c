"""What own machines cost and how fast they are, against a machine whose true speed is known."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from dashboards import reports
from router.catalog.machines import FILE, Basis, Running, Speed, Speeds
from router.entry import LedgerEntry
from router.ledger import speeds
from router.ledger.drain import drain_once
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from router.pricing import charge
from router.types import DOLLAR, Usage
from tests.support.entries import entry
from tests.support.world import model

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
NOW = START + timedelta(hours=6)
EVER = datetime.fromisoformat("1970-01-01T00:00")
PREFILL, DECODE = 5000.0, 400.0
"""Tokens a second of the true machine, all its callers together."""

STATED = Speed(prefill=9000, decode=300)
GPU = Running(hour=2 * DOLLAR, energy=DOLLAR // 10, sunk=True, stated=STATED)


@dataclass
class Job:
    at: float
    read: int
    written: int
    cached: int = 0
    first: float = 0.0
    done: float = 0.0
    left: float = 0.0


def arrivals(hours, a_second, seed=1):
    """Calls as they come: by chance, more of them in some hours than in others, some long and some short."""
    chance = random.Random(seed)
    at, jobs = 0.0, []
    while at < hours * 3600:
        at += chance.expovariate(a_second * (0.3 + 1.4 * ((at // 1800) % 2)))
        read, written = int(chance.lognormvariate(6, 1)), int(chance.lognormvariate(4, 1))
        jobs.append(
            Job(at=at, read=read, written=max(1, written), cached=read // 2 if chance.random() < 0.3 else 0)
        )
    return jobs[:-1]  # the last came after the end


def worked(jobs, step=0.02):
    """Let a machine do them, all that are there at once, each at its share; return its busy seconds."""
    waiting, now, busy = sorted(jobs, key=lambda job: -job.at), 0.0, 0.0
    active = []
    for job in jobs:
        job.left = (job.read - job.cached) / PREFILL + job.written / DECODE
    while waiting or active:
        if not active:
            now = max(now, waiting[-1].at)
        while waiting and waiting[-1].at <= now:
            active.append(waiting.pop())
        share = step / len(active)
        for job in active:
            job.left -= share
            if not job.first and job.left <= job.written / DECODE:
                job.first = now + step
            if job.left <= 0:
                job.done = now + step
        active = [job for job in active if job.left > 0]
        now, busy = now + step, busy + step
    return busy


def rows(jobs, running=GPU, measured=None):
    priced = model("m", prices=running.prices(measured))
    for number, job in enumerate(jobs):
        usage = Usage(input=job.read, output=job.written, cached=job.cached)
        charged = charge(priced, usage, None)
        machine = priced.prices.machine
        yield entry(
            request_id=f"r{number}", model="m", upstream="gpu", time=START + timedelta(seconds=job.at),
            duration_ms=(job.done - job.at) * 1000, first_token_ms=(job.first - job.at) * 1000,
            input_tokens=job.read, output_tokens=job.written, cached_tokens=job.cached,
            cost=charged.amount, cost_bound=charged.bound, machine_ms=charged.machine_ms,
            machine_hour=machine.hour, machine_energy=machine.energy,
            machine_prefill=machine.prefill, machine_decode=machine.decode,
        )  # fmt: skip


def filled(folder, entries: list[LedgerEntry]) -> Ledger:
    ledger = Ledger(folder)
    spool = Spool(ledger.spool, "w")
    spool.write(entries)
    spool.close()
    drain_once(ledger)
    return ledger


@pytest.fixture(scope="module")
def day():
    jobs = arrivals(hours=2, a_second=0.6)
    return jobs, worked(jobs)


def test_speeds_are_measured_apart_from_the_ledgers_own_timings(tmp_path, day):
    jobs, busy = day
    ledger = filled(tmp_path, list(rows(jobs)))

    (found,) = speeds.refresh(ledger, tmp_path / FILE, NOW)

    assert found.prefill == pytest.approx(PREFILL, rel=0.15)
    assert found.decode == pytest.approx(DECODE, rel=0.08)
    assert found.utilisation == pytest.approx(busy / (2 * 3600), rel=0.05)
    read = Speeds(tmp_path)
    assert read.poll()
    assert not read.poll()
    assert read.current["gpu", "m"].prefill == found.prefill


def test_traffic_that_is_all_alike_keeps_the_stated_proportion(tmp_path):
    jobs = [Job(at=number * 2.0, read=1000, written=100) for number in range(400)]
    worked(jobs)
    ledger = filled(tmp_path, list(rows(jobs)))

    (found,) = speeds.refresh(ledger, tmp_path / FILE, NOW)

    seconds = 1000 / found.prefill + 100 / found.decode
    assert seconds == pytest.approx(1000 / PREFILL + 100 / DECODE, rel=0.15)


def test_too_few_calls_leave_what_is_stated(tmp_path):
    jobs = arrivals(hours=0.02, a_second=1)
    worked(jobs)
    assert speeds.refresh(filled(tmp_path, list(rows(jobs))), tmp_path / FILE, NOW) == ()
    assert not Speeds(tmp_path).poll()


def test_loaded_costs_of_an_hour_sum_to_the_hours_price_and_power_within_two_percent(tmp_path, day):
    jobs, _ = day
    ledger = filled(tmp_path / "measuring", list(rows(jobs)))
    (found,) = speeds.refresh(ledger, tmp_path / FILE, NOW)
    measured = Speed(prefill=found.prefill, decode=found.decode, measured=True)
    ledger = filled(tmp_path / "priced", list(rows(jobs, measured=measured)))
    with reports.prepared(ledger.data, reports.Scope()) as connection:
        hours = connection.execute(
            "SELECT sum(loaded_cost), sum(busy_cost), sum(marginal_cost) FROM own_costs "
            "GROUP BY date_trunc('hour', time) ORDER BY date_trunc('hour', time)"
        ).fetchall()
    assert len(hours) == 2
    for number, (loaded, busy, marginal) in enumerate(hours):
        working = true_work(jobs, number)
        assert loaded == pytest.approx(GPU.hour + GPU.energy * working / 3600, rel=0.02)
        assert busy == pytest.approx((GPU.hour + GPU.energy) * working / 3600, rel=0.05)
        assert 0 < marginal < busy < loaded

    table = reports.run(ledger.data, "machines")
    (row,) = (dict(zip((column.name for column in table.columns), each, strict=True)) for each in table.rows)
    assert row["calls"] == len(jobs)
    assert row["loaded"] == pytest.approx(sum(loaded for loaded, _, _ in hours), abs=1)
    assert 0 < row["marginal"] < row["busy"] < row["loaded"]


def true_work(jobs, hour):
    """Seconds of work that came in within an hour."""
    return sum(
        (job.read - job.cached) / PREFILL + job.written / DECODE
        for job in jobs
        if int(job.at // 3600) == hour
    )


def test_the_views_differ_in_what_they_count():
    views = {
        basis: Running(hour=3600 * 10**9, energy=360 * 10**9, sunk=True, stated=STATED, basis=basis)
        for basis in Basis
    }
    half = Speed(prefill=100, decode=10, utilisation=0.5, measured=True)
    written = {basis: running.prices(half).output for basis, running in views.items()}
    assert written == {Basis.MARGINAL: 10_000_000, Basis.BUSY: 110_000_000, Basis.LOADED: 210_000_000}


def test_cached_tokens_cost_a_machine_nothing():
    prices = GPU.prices()
    usage = Usage(input=1000, output=0, cached=1000)
    assert charge(model("m", prices=prices), usage, None).amount == 0
