"""A damaged file is made anew of what is kept, each row once, and what is lost is said."""

import random
import shutil
from datetime import timedelta

import duckdb
import pytest

from router.ledger import healing, ingest, keeping, kept, segments
from router.ledger.drain import drain_once, keep_draining
from router.ledger.kinds import ATTEMPTS, KINDS, OUTCOMES, SETTLEMENTS
from router.ledger.refilling import IDENTITY
from router.ledger.spool import Spool
from router.ledger.store import Ledger, Patience, reading
from router.ledger.troubles import LedgerBroken, LedgerDamaged
from router.records import Settlement, UserOutcome
from tests.support.entries import NOW, entries, entry
from tests.support.ledger import write

HURRIED = Patience(seconds=0.05)


def write_each_kind(ledger, count):
    """Write `count` attempts and a record of each other kind, drain them together, and say what is there."""
    outcome = UserOutcome(time=NOW, request_id="r1", source="user", verdict="pass")
    settlement = Settlement(time=NOW, provider="p", record_id="g", amount=7)
    for kind, records in ((ATTEMPTS, entries(count)), (OUTCOMES, [outcome]), (SETTLEMENTS, [settlement])):
        spool = Spool(ledger.spool, "w", kind)
        spool.write(records)
        spool.close()
    drain_once(ledger)
    return keeping.verify(ledger).tables


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with a ledger of 300 attempts, which is only copied, and what is in it."""
    ledger = Ledger(tmp_path_factory.mktemp("written") / "data")
    return ledger.data, write_each_kind(ledger, 300)


@pytest.fixture
def whole(ledger, written):
    """What is in `ledger`, which is a copy of the one that is written."""
    folder, tables = written
    shutil.copytree(folder, ledger.data)
    return tables


def flipped(data, position):
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


DAMAGES = {
    "a byte of the header": lambda data: flipped(data, 4100),
    "a byte of the metadata": lambda data: flipped(data, 12_288 + 500),
    "a garbage head": lambda data: random.Random(1).randbytes(12_288) + data[12_288:],
    "a cut": lambda data: data[: 12_288 + 4096],
    "nothing left": lambda _: b"",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_made_anew_with_every_row_once(ledger, whole, damage, caplog):
    ledger.database.write_bytes(damage(ledger.database.read_bytes()))
    with pytest.raises(LedgerDamaged, match="ledger repair"), reading(ledger, HURRIED):
        pass

    keep_draining(ledger, lambda: False)

    assert keeping.verify(ledger) == keeping.Verified(tables=whole, wrong=())
    (aside,) = healing.asides(ledger)
    assert aside.name.startswith("ledger.duckdb.corrupt-")
    assert "made anew" in caplog.text
    write(ledger, entry(request_id="later"))
    assert keeping.verify(ledger).tables["ledger"].rows == 301


def test_a_block_that_a_report_finds_damaged_is_seen_to_by_the_drainer(ledger):
    whole = write_each_kind(ledger, 5000)
    data = ledger.database.read_bytes()
    place = data.rindex(b"r4999")
    ledger.database.write_bytes(flipped(data, place))
    with pytest.raises(LedgerDamaged), reading(ledger) as connection:
        connection.execute("SELECT sum(hash(request_id)) FROM ledger").fetchall()

    keep_draining(ledger, lambda: False)

    assert keeping.verify(ledger).tables == whole
    assert not ledger.suspicion.exists()


@pytest.mark.usefixtures("whole")
def test_an_unfounded_suspicion_changes_nothing(ledger):
    healing.suspect(ledger, "INTERNAL Error: somebody's SQL")
    drain_once(ledger)
    assert healing.asides(ledger) == []
    assert not ledger.suspicion.exists()


def cut_short(ledger, pages):
    """Leave what a kill leaves while DuckDB writes its metadata block over itself, of which `pages` are new.

    The header still makes the old block count, whose checksum is that of the whole.
    """
    block, log = slice(12_288, 12_288 + 262_144), ledger.database.with_name("ledger.duckdb.wal")
    spool = Spool(ledger.spool, "w")
    spool.write([entry(request_id="cut short")])
    spool.close()
    (segment,) = segments.sealed(ledger.spool)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{ledger.database}' AS f (STORAGE_VERSION 'v1.5.0')")
        connection.execute("USE f")
        connection.begin()
        ingest.insert(connection, [segment])
        connection.execute("INSERT INTO drained VALUES (?, ?)", [segment.name, NOW.replace(tzinfo=None)])
        connection.commit()
        before, logged = ledger.database.read_bytes(), log.read_bytes()
        connection.execute("USE memory")
        connection.execute("DETACH f")
    after = ledger.database.read_bytes()[block]
    torn = after[: pages * 4096] + before[block][pages * 4096 :]
    ledger.database.write_bytes(before[: block.start] + torn + before[block.stop :])
    log.write_bytes(logged)


@pytest.mark.usefixtures("whole")
def test_a_drainer_killed_while_it_writes_the_metadata_loses_and_doubles_nothing(ledger):
    cut_short(ledger, pages=1)
    with pytest.raises(LedgerDamaged, match="location 12288"), reading(ledger, HURRIED):
        pass

    drain_once(ledger)

    found = keeping.verify(ledger)
    assert (found.tables["ledger"].rows, found.wrong) == (301, ())
    assert len(healing.asides(ledger)) == 1


def test_a_log_that_is_damaged_is_no_reason_to_lose_what_it_has(ledger):
    write(ledger, entry(request_id="a"))
    before = ledger.database.read_bytes()
    write(ledger, entry(request_id="b"))
    # What a killed drainer may leave, with the head of its log damaged: DuckDB says nothing of it.
    ledger.database.write_bytes(before)
    ledger.database.with_name("ledger.duckdb.wal").write_bytes(b"\x00garbage" * 100)

    drain_once(ledger)

    with reading(ledger) as connection:
        assert sorted(connection.execute("SELECT request_id FROM ledger").fetchall()) == [("a",), ("b",)]
    assert keeping.verify(ledger).wrong == ()


def test_what_was_let_go_of_does_not_come_back(ledger):
    write(ledger, entry(request_id="old", time=NOW - timedelta(days=100)), entry(request_id="new"))
    keeping.prune(ledger, NOW - timedelta(days=90))
    healing.ask(ledger)
    drain_once(ledger)
    with reading(ledger) as connection:
        assert connection.execute("SELECT request_id FROM ledger").fetchall() == [("new",)]
    assert keeping.verify(ledger).wrong == ()


def test_a_file_that_is_gone_is_made_anew(ledger, whole):
    ledger.database.unlink()
    drain_once(ledger)
    assert keeping.verify(ledger).tables == whole


def test_one_who_is_killed_while_making_it_anew_is_succeeded(ledger, whole, monkeypatch):
    ledger.database.write_bytes(b"")
    monkeypatch.setattr(healing, "make", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        drain_once(ledger)
    monkeypatch.undo()
    with pytest.raises(LedgerBroken, match="being made anew"), reading(ledger, HURRIED):
        pass

    drain_once(ledger)

    assert keeping.verify(ledger).tables == whole


def test_what_cannot_be_made_anew_is_said_with_its_time_and_stays_said(ledger, monkeypatch):
    monkeypatch.setattr(kept, "PACK_FILES", 1)
    write(ledger, *entries(5))
    kept.tidy(ledger, kept.MOST_BYTES)
    (pack,) = ledger.kept.glob("pack-*")
    pack.write_bytes(flipped(pack.read_bytes(), 100))
    write(ledger, entry(request_id="later", time=NOW + timedelta(hours=1)))
    assert any("what is kept of ledger" in wrong for wrong in keeping.verify(ledger).wrong)
    ledger.database.write_bytes(b"")

    drain_once(ledger)

    (wrong,) = keeping.verify(ledger).wrong
    assert "from 2026-11-23T12:00:00" in wrong
    with reading(ledger) as connection:
        assert connection.execute("SELECT request_id FROM ledger").fetchall() == [("later",)]


def test_what_is_not_kept_is_taken_from_the_damaged_file_as_far_as_it_can_be_read(ledger, whole):
    kept.tidy(ledger, 0)
    healing.ask(ledger)
    drain_once(ledger)
    assert keeping.verify(ledger).tables == whole


@pytest.mark.usefixtures("whole")
def test_a_backup_fills_what_is_not_kept(ledger, tmp_path):
    keeping.backup(ledger, tmp_path / "backup")
    kept.tidy(ledger, 0)
    write(ledger, entry(request_id="later"))
    ledger.database.write_bytes(b"")
    healing.ask(ledger, tmp_path / "backup")

    drain_once(ledger)

    with reading(ledger) as connection:
        assert connection.execute("SELECT count(*) FROM ledger").fetchone() == (301,)


def test_a_file_that_is_damaged_again_and_again_is_left_to_somebody_who_looks(ledger, monkeypatch):
    monkeypatch.setattr(healing, "MOST_REBUILDS", 1)
    write_each_kind(ledger, 3)
    for _ in range(healing.MOST_REBUILDS):
        ledger.database.write_bytes(b"")
        drain_once(ledger)
    ledger.database.write_bytes(b"")
    with pytest.raises(LedgerBroken, match="within an hour"):
        drain_once(ledger)
    healing.ask(ledger)
    drain_once(ledger)
    assert keeping.verify(ledger).tables["ledger"].rows == 3


def test_every_kind_of_record_has_an_identity():
    assert IDENTITY.keys() == KINDS.keys()
