"""What is booked is found wherever it lies: written a moment ago, sealed, or in the ledger."""

import pytest

from router.ledger.booked import booked_in
from router.ledger.drain import drain_once
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from tests.support.entries import entry

THREE = [entry(request_id="r", attempt=number, cost=number, final=number == 3) for number in (1, 2, 3)]
ROWS = [(1, False), (2, False), (3, True)]


@pytest.fixture
def spool(tmp_path):
    return Spool(Ledger(tmp_path).spool, "w")


def test_rows_are_found_in_an_open_segment_a_sealed_one_and_the_ledger(tmp_path, spool):
    spool.write([*THREE, entry(request_id="another")])
    assert booked_in(tmp_path, ["r", "none"]) == {"r": ROWS}
    spool.seal()
    assert booked_in(tmp_path, ["r"]) == {"r": ROWS}
    drain_once(Ledger(tmp_path))
    assert booked_in(tmp_path, ["r"]) == {"r": ROWS}


def test_a_row_that_is_in_the_ledger_and_still_in_its_segment_is_one_row(tmp_path, spool):
    spool.write(THREE[:1])
    spool.close()
    (segment,) = Ledger(tmp_path).spool.iterdir()
    kept = segment.read_bytes()
    drain_once(Ledger(tmp_path))
    segment.write_bytes(kept)

    assert booked_in(tmp_path, ["r"]) == {"r": ROWS[:1]}


def test_a_torn_line_is_no_row(tmp_path, spool):
    spool.write(THREE)
    spool.close()
    (segment,) = Ledger(tmp_path).spool.iterdir()
    segment.write_bytes(segment.read_bytes()[:-9])

    assert booked_in(tmp_path, ["r"]) == {"r": ROWS[:2]}


def test_nothing_is_booked_where_there_is_no_ledger_yet(tmp_path):
    assert booked_in(tmp_path / "new", ["r"]) == {}
