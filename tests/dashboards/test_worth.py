"""The report of what checks are worth."""

from datetime import timedelta

from dashboards.reports import run
from policies.worth import Worth
from router.ledger.drain import drain
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from tests.dashboards.test_reports import records
from tests.support.entries import NOW, entry

CHANCES = {"small": 0.6, "big": 0.9}


def book():
    """Ten answers that passed, three that were rejected: two rightly, one by a false alarm."""
    rows = [
        entry(
            request_id=f"p{n}", cost=100, baseline_cost=1000, predictions=CHANCES, verdicts={"judge": "pass"},
            verdict_cost={"judge": 20}, verdict_ms={"judge": 8.0},
        )
        for n in range(10)
    ]  # fmt: skip
    for n, overturned in enumerate((False, False, True)):
        rows.append(
            entry(
                request_id=f"f{n}", cost=100, final=False, status="rejected", predictions=CHANCES,
                baseline_model=None, baseline_cost=None, verdicts={"judge": "no good"},
                verdict_cost={"judge": 20}, verdict_ms={"judge": 8.0}, overturned=overturned,
            )
        )  # fmt: skip
        rows.append(entry(request_id=f"f{n}", attempt=2, model="big", cost=1000, baseline_cost=1000))
    return rows


def written(rows, folder):
    spool = Spool(Ledger(folder).spool, "w")
    spool.write(rows)
    spool.close()
    drain(Ledger(folder))
    return folder


def test_a_check_is_worth_what_it_catches_less_its_false_alarms_and_its_own_cost(tmp_path):
    (judge,) = records(
        run(written(book(), tmp_path), "worth", until=NOW + timedelta(days=1), since=NOW - timedelta(days=1))
    )
    counts = [judge[name] for name in ("ran", "fired", "caught", "false_alarms", "seen_too_late")]
    assert counts == [13, 3, 2, 1, 0]
    assert (judge["median_ms"], judge["own_picodollars"], judge["climbs_picodollars"]) == (8.0, 260, 3000)
    # A unit of success costs (1000 - 100) / (0.9 - 0.6) = 3000, and two of three were rightly caught.
    assert judge["caught_worth_picodollars"] == 6000
    assert judge["net_picodollars"] == 6000 - 260 - 3000


def test_strategies_reckon_with_the_numbers_that_the_report_shows(tmp_path):
    rows, meter = book(), Worth()
    for request in {row.request_id for row in rows}:
        meter.write([row for row in rows if row.request_id == request])
    (judge,) = records(
        run(written(rows, tmp_path), "worth", until=NOW + timedelta(days=1), since=NOW - timedelta(days=1))
    )
    ((_, record),) = meter.records().items()
    assert record.runs == judge["ran"]
    assert record.fired == judge["fired"] - judge["seen_too_late"]
    assert (record.caught, record.false) == (judge["caught"], judge["false_alarms"])
    assert round(record.wrong, 1) == judge["expected_wrong"] == 5.2
