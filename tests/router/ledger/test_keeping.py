from datetime import timedelta

import duckdb
import pytest

from router.errors import FarthingError
from router.ledger import keeping
from router.ledger.drain import drain_once
from router.ledger.kinds import ATTEMPTS, OUTCOMES, SETTLEMENTS
from router.ledger.store import Ledger, reading
from router.records import Settlement, UserOutcome
from tests.support.entries import NOW, entries, entry
from tests.support.ledger import write


def outcome(request_id):
    return UserOutcome(time=NOW, request_id=request_id, source="user", verdict="pass")


def settled(record_id, amount=5, **given):
    return Settlement(time=NOW, provider="p", record_id=record_id, amount=amount, **given)


def ids(ledger, table="ledger"):
    with reading(ledger) as connection:
        return [one for (one,) in connection.execute(f"SELECT request_id FROM {table} ORDER BY 1").fetchall()]


def test_a_whole_ledger_is_whole(ledger):
    write(ledger, *entries(3))
    found = keeping.verify(ledger)
    assert (found.tables["ledger"].rows, found.wrong) == (3, ())


def test_an_empty_ledger_is_whole(ledger):
    assert keeping.verify(ledger).wrong == ()


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ([entry(final=False)], "exactly one final row"),
        ([entry(attempt=1), entry(attempt=2)], "exactly one final row"),
        ([entry(), entry(final=False)], "more than once"),
        ([entry(cost=2, cost_bound=1)], "above their bound"),
        ([entry(cost=None)], "whose grade says"),
        ([entry(cost=5, cost_bound=9)], "another bound than the amount"),
        ([entry(final=False), entry(attempt=2, baseline_cost=None)], "not final"),
    ],
)
def test_what_must_not_be_is_found(ledger, rows, wrong):
    write(ledger, *rows)
    assert any(wrong in each for each in keeping.verify(ledger).wrong)


def test_lines_that_cannot_be_read_are_found_wherever_they_wait(ledger):
    write(ledger, entry())
    (ledger.spool / f"w-1-1{ATTEMPTS.sealed}").write_text("{}\n")
    assert any("cannot be read" in each for each in keeping.verify(ledger).wrong)
    drain_once(ledger)
    assert any("unreadable lines wait" in each for each in keeping.verify(ledger).wrong)


def test_a_backup_is_the_ledger_and_the_way_back(ledger, tmp_path):
    write(ledger, *entries(20))
    write(ledger, outcome("r1"), kind=OUTCOMES)
    write(ledger, settled("g", request_id="r1", attempt=1), kind=SETTLEMENTS)

    kept = keeping.backup(ledger, tmp_path / "copy")
    other = Ledger(tmp_path / "other")
    restored = keeping.restore(tmp_path / "copy", other)

    assert restored == kept == keeping.verify(ledger).tables
    assert ids(other) == ids(ledger)
    write(other, entry(request_id="later"))
    assert "later" in ids(other)


def test_a_backup_that_is_not_whole_is_refused(ledger, tmp_path):
    write(ledger, *entries(20))
    with pytest.raises(keeping.BadBackup, match="no whole backup"):
        keeping.restore(tmp_path, Ledger(tmp_path / "other"))
    keeping.backup(ledger, tmp_path / "copy")
    with pytest.raises(keeping.BadBackup, match="not empty"):
        keeping.backup(ledger, tmp_path / "copy")
    with pytest.raises(keeping.BadBackup, match="there already"):
        keeping.restore(tmp_path / "copy", ledger)
    duckdb.sql(f"COPY (SELECT * FROM '{tmp_path}/copy/ledger.parquet' LIMIT 5) TO '{tmp_path}/few.parquet'")
    (tmp_path / "few.parquet").rename(tmp_path / "copy" / "ledger.parquet")
    with pytest.raises(keeping.BadBackup, match="not what its manifest says"):
        keeping.restore(tmp_path / "copy", Ledger(tmp_path / "third"))
    assert ids(Ledger(tmp_path / "third")) == []


def test_what_is_old_is_let_go_with_all_that_belongs_to_it(ledger, tmp_path):
    old = NOW - timedelta(days=100)
    write(
        ledger,
        entry(request_id="old", time=old),
        entry(request_id="over midnight", time=old, attempt=1, final=False, baseline_cost=None),
        entry(request_id="over midnight", time=NOW, attempt=2),
        entry(request_id="new"),
    )
    write(ledger, outcome("old"), outcome("new"), kind=OUTCOMES)
    write(ledger, settled("a", request_id="old", attempt=1), settled("b"), kind=SETTLEMENTS)

    gone = keeping.prune(ledger, NOW - timedelta(days=90), tmp_path / "archive")

    assert gone == 3
    assert ids(ledger) == ["new", "over midnight", "over midnight"]
    assert ids(ledger, "outcomes") == ["new"]
    (path,) = (tmp_path / "archive").iterdir()
    assert duckdb.sql(f"SELECT request_id FROM '{path}'").fetchall() == [("old",)]
    assert keeping.verify(ledger).wrong == ()


def test_compacting_gives_room_back_and_keeps_every_row(ledger):
    write(ledger, *entries(30_000))
    write(ledger, entry(request_id="kept", time=NOW + timedelta(days=1)))
    keeping.prune(ledger, NOW + timedelta(hours=1))
    before, after = keeping.compact(ledger)
    assert after < before
    assert ids(ledger) == ["kept"]
    write(ledger, entry(request_id="later"))
    assert ids(ledger) == ["kept", "later"]


def test_compacting_nothing_is_nothing(ledger):
    assert keeping.compact(ledger) == (0, 0)


def test_an_age_is_read_or_refused_with_a_sentence():
    assert keeping.age("90d", NOW) == NOW - timedelta(days=90)
    assert keeping.age("2w", NOW) == NOW - timedelta(days=14)
    with pytest.raises(FarthingError, match="no age"):
        keeping.age("soon", NOW)
