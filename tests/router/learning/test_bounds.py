"""What can be promised of a policy, and what cannot."""

from datetime import UTC, datetime

import pytest

from router.learning.bounds import bound_of, told
from router.ledger.drain import drain
from router.ledger.kinds import OUTCOMES
from router.ledger.spool import Spool
from router.ledger.store import Ledger, reading
from router.records import UserOutcome
from tests.support.world import row

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def bound(folder, right, failed, *, wanted=None):
    spool, outcomes = Spool(folder / "spool", "w"), Spool(folder / "spool", "o", OUTCOMES)
    spool.write([row(request_id=f"r{number}") for number in range(right + failed + 5)])
    outcomes.write(
        [
            UserOutcome(time=NOW, request_id=f"r{number}", source="test", score=float(number >= failed))
            for number in range(right + failed)
        ]
    )
    for each in (spool, outcomes):
        each.close()
    drain(Ledger(folder))
    with reading(Ledger(folder)) as connection:
        return bound_of(connection, "default", now=NOW, confidence=0.95, wanted=wanted)


def test_a_bound_is_above_what_was_found_and_says_what_a_tighter_one_needs(tmp_path):
    found = bound(tmp_path, 97, 3, wanted=0.05)
    assert (found.accepted, found.outcomes, found.failures) == (105, 100, 3)
    assert 0.03 < found.bound < found.always < 0.2
    assert found.bound == pytest.approx(0.0757, abs=0.001)
    assert found.needed > 200
    assert "at most 7.6% of accepted answers fail" in told(found)
    assert found.bound < found.ahead < 0.1
    assert f"of the next 1,000 at most {found.ahead:.1%} will." in told(found)


def test_too_few_outcomes_promise_nothing(tmp_path):
    found = bound(tmp_path, 5, 0)
    assert (found.bound, found.always) == (None, None)
    assert "Nothing can be promised" in told(found)
    assert found.needed == 29


def test_no_number_of_examples_shows_what_is_not_so(tmp_path):
    found = bound(tmp_path, 20, 20, wanted=0.1)
    assert found.needed is None
    assert "more than that fail" in told(found)
