"""Reports say the same from the sums beside the ledger as from its rows."""

import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from dashboards import summed
from dashboards.reports import run
from dashboards.scope import Scope, prepared
from router.ledger import keeping, rollups
from router.ledger.kinds import OUTCOMES, SETTLEMENTS
from router.ledger.store import Ledger
from router.records import Settlement, UserOutcome
from tests.support.entries import NOW, entry
from tests.support.ledger import write

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def request(dice, number):
    """One request of one to three attempts, which may be anything that a ledger holds."""
    one, count = dice.choice, dice.choice([1, 1, 2, 3])
    began = MIDNIGHT + timedelta(hours=dice.randint(-30, 30), microseconds=dice.randint(-1, 0))
    shared = {
        "request_id": f"r{number}",
        "policy": one(["default", "careful"]),
        "arm": one([None, "routed", "control"]),
        "tags": one([(), (), ("nightly",), ("farthing-baseline",)]),
        "endpoint": one(["chat", "chat", "embeddings"]),
        "predictions": {"small": 0.5, "big": 0.75},
        "attempts": count,
    }
    return [
        entry(
            **shared,
            attempt=attempt,
            time=began,
            model=one(["small", "big"]),
            purpose=one(["answer", "answer", "check", "audit"]),
            status=one(["accepted", "rejected", "failed"]),
            cost=one([None, dice.randint(0, 10**12)]),
            cost_reported=one([None, 7]),
            verdicts=one([{}, {"shape": "pass"}, {"shape": "cut off", "refusal": "pass"}]),
            verdict_ms={"shape": dice.uniform(0, 9)},
            verdict_cost={"shape": dice.randint(0, 99)},
            duration_ms=one([0.0, dice.uniform(0, 10_000)]),
            committed=one([True, False]),
            overturned=one([None, True, False]),
            final=attempt == count,
            **(came_to(dice) if attempt == count else {"baseline_model": None, "baseline_cost": None}),
        )
        for attempt in range(1, count + 1)
    ]


def came_to(dice):
    """What stands on a request's last row."""
    one = dice.choice
    return {
        "ended": one(["accepted", "accepted", "rejected", "failed", "cancelled"]),
        "escalated": one([True, False]),
        "total_cost": dice.randint(0, 10**12),
        "rejected_cost": dice.randint(0, 10**6),
        "unpriced_attempts": one([0, 0, 0, 1]),
        "baseline_cost": one([None, dice.randint(0, 10**12)]),
        "cheapest_cost": one([None, dice.randint(0, 10**12)]),
        "predicted": one([None, 0.5]),
        "baseline_predicted": one([None, 0.75]),
        "cheapest_predicted": one([None, 0.25]),
        "total_output_tokens": dice.randint(0, 1),
        "total_ms": dice.uniform(0, 10_000),
        "answered_ms": one([None, dice.uniform(0, 100)]),
    }


def same(here, there):
    """Whether two cells agree: sums of fractions depend on the order of their parts."""
    return here == (pytest.approx(there, rel=1e-9) if isinstance(there, float) else there)


def all_sums(data, scope):
    """Add up each of the four views by all that rows can have in common, but for times."""
    found = {}
    with prepared(data, scope) as connection:
        for sums in rollups.SUMS:
            names = [name for (name, *_) in connection.execute(f"DESCRIBE {sums.view}").fetchall()]
            keys = [f'"{name}"' for name in sorted({*names} - {*sums.added, "time"})]
            told = ", ".join(f"{how}({name})" for name, how in sums.added.items())
            rows = connection.execute(
                f"SELECT {', '.join(keys)}, {told} FROM {sums.view} GROUP BY {', '.join(keys)}"
            ).fetchall()
            found[sums.view] = {json.dumps(row[: len(keys)], default=str): row[len(keys) :] for row in rows}
    return found


@pytest.fixture
def book(monkeypatch, tmp_path):
    """A ledger whose rows are added up at once, few in a transaction."""
    monkeypatch.setattr(rollups, "BATCH", 1)
    monkeypatch.setattr(rollups, "AT_ONCE", 40)
    return Ledger(tmp_path)


@pytest.mark.parametrize("seed", range(3))
def test_sums_are_those_of_the_rows_whatever_they_hold(book, monkeypatch, seed):
    dice = Random(seed)
    write(book, *(row for number in range(dice.randint(1, 40)) for row in request(dice, number)))
    write(book, *request(dice, "behind"))
    ends = [None, *(MIDNIGHT + timedelta(hours=hours) for hours in (-48, -24, -7, 0, 1, 24, 31))]
    scopes = [
        Scope(since=since, until=until, dimension=dice.choice([None, "model", "day", "policy"]))
        for since, until in ((None, None), *(sorted(dice.sample(ends[1:], 2)) for _ in range(2)))
    ]
    told = [all_sums(book.data, scope) for scope in scopes]
    monkeypatch.setattr(summed, "mark", lambda _: None)
    for scope, sums in zip(scopes, told, strict=True):
        rows = all_sums(book.data, scope)
        for view in rows:
            assert sums[view].keys() == rows[view].keys()
            for alike, values in rows[view].items():
                assert all(map(same, sums[view][alike], values)), (view, alike)


def test_reports_say_the_same_with_and_without_sums(book, monkeypatch):
    dice = Random(5)
    write(book, *(row for number in range(200) for row in request(dice, number)))
    rated = [UserOutcome(time=NOW, request_id=f"r{n}", source="user", verdict="pass") for n in range(9)]
    write(book, *rated, kind=OUTCOMES)
    names = ("overview", "models", "quality", "prove", "worth")
    told = {name: run(book.data, name) for name in names}
    monkeypatch.setattr(summed, "mark", lambda _: None)
    for name in names:
        for one, other in zip(told[name].rows, run(book.data, name).rows, strict=True):
            assert all(map(same, one, other)), (name, one, other)


@pytest.mark.parametrize(
    "given",
    [
        {"where": ["model=small"]},
        {"comparison": True},
        {"by": "team"},
        {"since": "2026-11-23T01:00", "until": "2026-11-23T23:00"},
        {"since": "9999-12-31T05:00"},
    ],
    ids=str,
)
def test_what_the_sums_cannot_tell_is_read_from_the_rows(book, monkeypatch, given):
    write(book, entry(attempts=1))
    monkeypatch.setattr(summed, "of_rollups", lambda *_: pytest.fail("the sums were asked"))
    run(book.data, "spend", **given)


@pytest.mark.parametrize(
    "later",
    [
        lambda book: write(
            book,
            Settlement(time=NOW, provider="p", record_id="g", amount=7, request_id="r1", attempt=1),
            kind=SETTLEMENTS,
        ),
        lambda book: write(book, entry(request_id="of an older Farthing")),
        lambda book: keeping.prune(book, NOW - timedelta(days=1)),
    ],
    ids=["settled", "older rows", "pruned"],
)
def test_sums_that_do_not_tell_all_are_not_asked(book, monkeypatch, later):
    write(book, entry(request_id="r0", attempts=1, time=NOW - timedelta(days=9)), entry(attempts=1))
    later(book)
    monkeypatch.setattr(summed, "of_rollups", lambda *_: pytest.fail("the sums were asked"))
    assert run(book.data, "spend").rows


def test_times_of_many_calls_are_told_to_half_a_percent(book):
    write(
        book,
        *(entry(request_id=f"r{n}", attempts=1, ended="accepted", total_ms=float(n)) for n in range(1, 200)),
    )
    (row,) = run(book.data, "latency").rows
    assert row[-2:] == pytest.approx([100, 189.1], rel=0.005)
