"""The sums beside the ledger fit its rows, whatever happens to either."""

from datetime import timedelta

import duckdb
import pytest

from router.ledger import healing, keeping, rollups
from router.ledger.drain import catch_up, drain_once
from router.ledger.store import reading, writing
from tests.support.entries import NOW, entries, entry
from tests.support.ledger import write


@pytest.fixture
def ledger(ledger, monkeypatch):
    """A ledger whose rows are added up as they come."""
    monkeypatch.setattr(rollups, "BATCH", 1)
    return ledger


def summed(ledger):
    """How many rows are in the sums, if those fit; checked against the rows."""
    with reading(ledger) as connection:
        assert rollups.differences(connection) == []
        if rollups.mark(connection) is None:
            return None
        return connection.execute("SELECT sum(n) FROM rolled_calls").fetchone()[0]


def test_what_is_drained_is_added_up(ledger):
    write(ledger, *entries(3))
    write(ledger, *entries(4))
    assert summed(ledger) == 7


def test_few_rows_are_left_to_the_reports(ledger, monkeypatch):
    monkeypatch.setattr(rollups, "BATCH", 5)
    write(ledger, *entries(4))
    assert summed(ledger) is None
    write(ledger, *entries(4))
    assert summed(ledger) == 8
    write(ledger, *entries(4))
    assert summed(ledger) == 8


def test_many_rows_are_added_up_in_parts_that_part_no_request(ledger, monkeypatch):
    monkeypatch.setattr(rollups, "BATCH", 1000)
    rows = [
        entry(request_id=f"r{n}", attempt=a, final=a == 3, attempts=3) for n in range(10) for a in (1, 2, 3)
    ]
    write(ledger, *rows)
    monkeypatch.setattr(rollups, "BATCH", 1)
    monkeypatch.setattr(rollups, "AT_ONCE", 10)
    with writing(ledger) as connection:
        assert [rollups.extend(connection) for _ in range(5)] == [9, 9, 9, 3, 0]
    assert summed(ledger) == 30


def test_a_ledger_of_before_gets_its_sums_when_it_is_opened_to_write(ledger, monkeypatch):
    monkeypatch.setattr(rollups, "BATCH", 1000)
    write(ledger, *entries(9))
    monkeypatch.setattr(rollups, "BATCH", 1)
    monkeypatch.setattr(rollups, "AT_ONCE", 4)
    catch_up(ledger)
    assert summed(ledger) == 9


def test_sums_of_another_version_are_made_again(ledger, monkeypatch):
    write(ledger, *entries(2))
    monkeypatch.setattr(rollups, "DEFINITION", "another")
    assert summed(ledger) is None
    write(ledger, entry(request_id="later"))
    assert summed(ledger) == 3


def test_whoever_is_killed_while_adding_up_leaves_nothing_twice(ledger, monkeypatch):
    write(ledger, *entries(2))
    with writing(ledger) as connection:
        connection.execute("INSERT INTO ledger SELECT * REPLACE ('more' AS request_id) FROM ledger LIMIT 1")
        monkeypatch.setattr(rollups, "_count_below", lambda *_: 1 / 0)
        monkeypatch.setattr(rollups, "mark", lambda _: 2)
        with pytest.raises(ZeroDivisionError):
            rollups.extend(connection)
    monkeypatch.undo()
    monkeypatch.setattr(rollups, "BATCH", 1)
    assert summed(ledger) == 2
    catch_up(ledger)
    assert summed(ledger) == 3


def test_trouble_with_the_sums_keeps_no_row_from_coming_in(ledger, monkeypatch, caplog):
    def full(*_, **__):
        raise duckdb.IOException("No space left on device")

    monkeypatch.setattr(rollups, "extend", full)
    write(ledger, *entries(2))
    assert keeping.verify(ledger).tables["ledger"].rows == 2
    assert "reports take longer" in caplog.text


def test_pruning_compacting_and_making_anew_lose_no_sum_for_long(ledger):
    write(ledger, entry(request_id="old", time=NOW - timedelta(days=9)), *entries(3))
    assert keeping.prune(ledger, NOW - timedelta(days=1)) == 1
    assert summed(ledger) is None
    catch_up(ledger)
    assert summed(ledger) == 3
    keeping.compact(ledger)
    catch_up(ledger)
    assert summed(ledger) == 3
    healing.ask(ledger)
    drain_once(ledger)
    assert summed(ledger) == 3


def test_sums_that_are_not_those_of_the_rows_are_found(ledger):
    write(ledger, *entries(3))
    with writing(ledger) as connection:
        connection.execute("UPDATE rolled_calls SET cost = cost + 1")
    assert keeping.verify(ledger).wrong == ("the sums in rolled_calls are not those of the rows",)
