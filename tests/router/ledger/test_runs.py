"""How fast earlier batches went: seconds count in which any call was under way."""

from datetime import timedelta

import pytest

from router.ledger.drain import drain
from router.ledger.runs import Run, runs
from router.ledger.spool import Spool
from router.ledger.store import Ledger, reading
from tests.support.entries import NOW, entry


@pytest.fixture
def found(tmp_path):
    """Give what is told of rows: `found(*rows)`."""

    def found(*rows):
        ledger = Ledger(tmp_path)
        spool = Spool(ledger.spool, "w")
        spool.write(rows)
        spool.close()
        drain(ledger)
        with reading(ledger) as connection:
            return runs(connection, NOW + timedelta(days=1))

    return found


def calls(batch, count, *, every, seconds, **given):
    """Calls that begin `every` so many seconds and take `seconds` each."""
    return [
        entry(
            request_id=f"{batch}-{n}", batch=batch, time=NOW + timedelta(seconds=n * every),
            duration_ms=seconds * 1000, output_tokens=10, **given,
        )
        for n in range(count)
    ]  # fmt: skip


def test_calls_side_by_side_share_their_seconds_and_pauses_count_for_nothing(found):
    together = calls("b1", 40, every=0.1, seconds=1.0)
    apart = calls("b2", 30, every=10.0, seconds=2.0, upstream="far")
    near, far = sorted(found(*together, *apart), key=lambda run: run.upstream, reverse=True)
    assert near == Run(upstream="local", calls=40, written=400, seconds=pytest.approx(4.9))
    assert far == Run(upstream="far", calls=30, written=300, seconds=pytest.approx(60.0))


def test_what_is_too_short_simulated_or_no_batch_tells_nothing(found):
    rows = [
        *calls("few", 10, every=1.0, seconds=1.0),
        *calls("quick", 40, every=0.01, seconds=0.01),
        *calls("fake", 40, every=1.0, seconds=1.0, simulated=True),
        *calls(None, 40, every=1.0, seconds=1.0),
    ]
    enough = calls("enough", 40, every=1.0, seconds=1.0)
    assert found(*rows) == ()
    assert [run.calls for run in found(*enough)] == [40]
