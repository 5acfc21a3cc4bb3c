"""What Prometheus reads."""

from dashboards.metrics import Metrics
from router.types import Status
from tests.support.world import row


def exposed(*entries):
    metrics = Metrics()
    metrics.write(entries)
    lines = metrics.expose().decode().splitlines()
    return dict(
        line.rsplit(" ", 1) for line in lines if line.startswith("farthing_") and "_created" not in line
    )


def test_requests_attempts_and_money_are_counted():
    first = row(model="m", policy="p", final=False, status=Status.REJECTED, cost=2 * 10**12)
    last = row(model="m", policy="p", cost=10**12)
    counted = exposed(first, last)
    assert counted['farthing_requests_total{model="m",policy="p",status="accepted"}'] == "1.0"
    assert counted['farthing_attempts_total{model="m",status="rejected"}'] == "1.0"
    assert counted['farthing_escalations_total{model="m",policy="p"}'] == "1.0"
    assert counted['farthing_cost_usd_total{model="m",policy="p"}'] == "3.0"


def test_an_unpriced_attempt_is_counted_as_such_and_costs_nothing():
    counted = exposed(row(cost=None, cost_grade="unpriced"))
    assert counted['farthing_attempts_by_grade_total{grade="unpriced"}'] == "1.0"
    assert not any(name.startswith("farthing_cost_usd") for name in counted)


def test_no_label_is_unbounded():
    labelled = row(key="secret-key", user="somebody", session="s-1", tags=("t-1",))
    text = "".join(exposed(labelled))
    assert not any(label in text for label in ("secret-key", "somebody", "s-1", "t-1"))
