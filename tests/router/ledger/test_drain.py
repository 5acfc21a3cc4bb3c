from datetime import timedelta

import duckdb
import pytest

from router.ledger import drain as drain_module
from router.ledger import segments
from router.ledger.drain import Drained, drain, drain_once, drain_what_waits, keep_draining
from router.ledger.kinds import ATTEMPTS, OUTCOMES, SETTLEMENTS
from router.ledger.spool import Spool
from router.ledger.store import Ledger, Patience, elected, reading, writing
from router.ledger.troubles import LedgerBroken, LedgerBusy
from router.records import Settlement, UserOutcome
from tests.support.entries import NOW, entries, entry, ledgers_rows


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path)


def write(ledger, *rows, name="w"):
    """Write rows as one sealed segment."""
    spool = Spool(ledger.spool, name)
    spool.write(rows)
    spool.close()
    return segments.sealed(ledger.spool)[-1]


def names_of_drained(ledger):
    with reading(ledger) as connection:
        return {name for (name,) in connection.execute("SELECT segment FROM drained").fetchall()}


def ids(ledger):
    return sorted(row.request_id for row in ledgers_rows(ledger.data))


def test_what_was_written_stands_in_the_ledger_and_the_spool_is_empty(ledger):
    rows = entries(3, tags=("a", "b"), verdicts={"shape": "pass"}, predictions={"small": 0.5}, vector=(0.5,))
    write(ledger, *rows)

    assert drain(ledger) == Drained(rows=3, segments=1)

    assert sorted(ledgers_rows(ledger.data), key=lambda row: row.request_id) == rows
    assert segments.sealed(ledger.spool) == []


def test_a_drain_of_nothing_makes_no_ledger(ledger):
    ledger.spool.mkdir()

    assert drain(ledger) == Drained()
    assert not ledger.database.exists()


@pytest.mark.parametrize("name", ["it's", "a[1]*", "team=a", "with space", "é;--"])
def test_the_data_may_lie_in_a_folder_of_any_name(tmp_path, name):
    ledger = Ledger(tmp_path / name)
    write(ledger, entry())

    drain(ledger)

    assert ids(ledger) == ["r1"]


def test_many_segments_go_in_with_several_transactions(ledger, monkeypatch):
    monkeypatch.setattr(drain_module, "MOST_BYTES", 1)
    steps = []
    for number in range(3):
        write(ledger, entry(request_id=f"r{number}"))

    drain(ledger, step=steps.append)

    assert steps == ["inserted", "committed"] * 3
    assert ids(ledger) == ["r0", "r1", "r2"]


class Killed(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


@pytest.mark.parametrize("moment", ["inserted", "committed"])
def test_a_drain_cut_short_at_any_step_loses_and_doubles_nothing(ledger, moment):
    write(ledger, *entries(5))

    def kill(step):
        if step == moment:
            raise Killed

    with pytest.raises(Killed):
        drain(ledger, step=kill)
    drain(ledger)

    assert ids(ledger) == ["r0", "r1", "r2", "r3", "r4"]
    assert segments.sealed(ledger.spool) == []


def test_lines_that_are_no_entries_are_set_aside_and_the_others_kept(ledger, caplog):
    segment = write(ledger, *entries(5))
    good = segment.read_bytes().splitlines(keepends=True)
    bad = [b"no json\n", b"{}\n", b"[1]\n", good[0].replace(b'"cost":5000000', b'"cost":"dear"')]
    segment.write_bytes(b"".join([bad[0], *good[:2], bad[1], bad[2], *good[2:], bad[3]]))
    write(ledger, entry(request_id="other"), name="x")

    drained = drain(ledger)

    assert (drained.rows, drained.segments, drained.rejected_bytes) == (6, 2, sum(map(len, bad)))
    assert ids(ledger) == ["other", "r0", "r1", "r2", "r3", "r4"]
    (aside,) = ledger.quarantine.iterdir()
    assert aside.read_bytes() == b"".join(bad)
    assert "4 lines were set aside" in caplog.text


def test_lines_set_aside_may_be_mended_and_put_back(ledger):
    segment = write(ledger, *entries(2))
    segment.write_bytes(segment.read_bytes().replace(b'"attempt":1', b'"attempt":"one"', 1))
    drain(ledger)
    (aside,) = ledger.quarantine.iterdir()

    aside.write_bytes(aside.read_bytes().replace(b'"one"', b"1"))
    aside.rename(ledger.spool / aside.name)
    drain(ledger)

    assert ids(ledger) == ["r0", "r1"]


def test_a_segment_of_nothing_is_taken_away(ledger):
    ledger.spool.mkdir()
    (ledger.spool / f"w-1-00000001{ATTEMPTS.sealed}").touch()

    assert drain(ledger) == Drained(rows=0, segments=1)
    assert segments.sealed(ledger.spool) == []


def test_a_field_that_older_lines_lack_is_left_empty(ledger):
    segment = write(ledger, entry(simulated=True))
    segment.write_bytes(segment.read_bytes().replace(b',"simulated":true', b""))

    drain(ledger)

    assert [row.simulated for row in ledgers_rows(ledger.data)] == [None]


def test_the_name_of_a_segment_is_forgotten_an_hour_after_its_file_is_gone(ledger):
    first = write(ledger, entry())
    drain(ledger, now=lambda: NOW)
    second = write(ledger, entry())
    drain(ledger, now=lambda: NOW + timedelta(minutes=59))
    assert names_of_drained(ledger) == {first.name, second.name}
    for segment in segments.sealed(ledger.kept):
        segment.unlink()

    third = write(ledger, entry())
    drain(ledger, now=lambda: NOW + timedelta(minutes=61))

    assert names_of_drained(ledger) == {second.name, third.name}


def test_the_name_of_a_segment_is_kept_as_long_as_its_file_is_there(ledger):
    segment = write(ledger, entry(), name="z")
    content = segment.read_bytes()
    drain(ledger, now=lambda: NOW)
    segment.write_bytes(content)
    write(ledger, entry(), name="a")

    drain(ledger, now=lambda: NOW + timedelta(days=1))

    assert len(ids(ledger)) == 2


def test_one_process_drains_at_a_time(ledger):
    write(ledger, entry())
    with elected(ledger):
        assert drain_once(ledger) is None

    assert drain_once(ledger) == Drained(rows=1, segments=1)


@pytest.mark.parametrize("trouble", [OSError("full"), duckdb.IOException("full")])
def test_a_single_drain_that_fails_says_so(ledger, monkeypatch, trouble):
    def fails(ledger):
        raise trouble

    monkeypatch.setattr(drain_module, "drain", fails)

    with pytest.raises(LedgerBroken, match="cannot be moved into the ledger: full"):
        drain_once(ledger)


def test_what_waits_is_in_the_ledger_once_its_writer_let_go_and_another_process_drained_it(ledger):
    spool = Spool(ledger.spool, "w")
    spool.write([entry()])
    others = [spool.seal, lambda: None, lambda: drain(ledger)]
    with elected(ledger):
        patience = Patience(sleep=lambda _: others.pop(0)())
        assert drain_what_waits(ledger, patience)

    assert others == []
    assert len(ids(ledger)) == 1
    spool.write([entry(request_id="later")])
    assert drain_what_waits(ledger, Patience(seconds=0)) is False, "its writer still has it open"


def test_a_spool_whose_writers_are_idle_is_not_waited_for(ledger):
    Spool(ledger.spool, "w")

    assert drain_what_waits(ledger, Patience(seconds=0)) is True


def answers(*given):
    """Says whether to go on, like a bell that is rung so often."""
    left = list(given)
    return lambda: left.pop(0)


def test_it_drains_until_it_is_told_to_stop_and_once_more_then(ledger):
    def wait():
        write(ledger, entry(request_id=f"r{len(ids(ledger))}"))
        return len(ids(ledger)) < 2

    keep_draining(ledger, wait)

    assert ids(ledger) == ["r0", "r1", "r2"]


def test_it_stands_by_while_another_is_elected_and_takes_over(ledger):
    write(ledger, entry())
    with elected(ledger):
        keep_draining(ledger, answers(True, False))
        assert ids(ledger) == []

    keep_draining(ledger, answers(False))

    assert ids(ledger) == ["r1"]


def test_trouble_is_said_less_and_less_often_and_the_spool_keeps_what_came(ledger, monkeypatch, caplog):
    write(ledger, entry())
    whole = drain_module.writing

    def busy(ledger, using):
        raise LedgerBusy

    monkeypatch.setattr(drain_module, "writing", busy)
    keep_draining(ledger, answers(*[True] * 8, False))
    said = caplog.text.count("The ledger takes nothing")
    assert len(segments.sealed(ledger.spool)) == 1

    monkeypatch.setattr(drain_module, "writing", whole)
    keep_draining(ledger, answers(False))

    assert 3 <= said <= 6
    assert ids(ledger) == ["r1"]


def test_at_the_end_it_waits_a_moment_for_writers_that_are_dying_too(ledger):
    spool = Spool(ledger.spool, "w")
    spool.write((entry(),))

    def wait():
        spool._abandon()
        return False

    keep_draining(ledger, wait)

    assert ids(ledger) == ["r1"]


def test_a_segment_of_a_newer_version_is_left_alone(ledger, caplog):
    ledger.spool.mkdir()
    newer = ledger.spool / "w-1-00000001.v2.jsonl"
    newer.write_text("{}\n")

    keep_draining(ledger, answers(False))

    assert newer.exists()
    assert "is of another version" in caplog.text


OUTCOME = UserOutcome(time=NOW, request_id="r1", source="user", verdict="fail", score=0.25)
SETTLED = Settlement(time=NOW, provider="openrouter", record_id="gen-1", amount=7, request_id="r1", attempt=1)


def write_each_kind(ledger):
    for kind, record in ((ATTEMPTS, entry()), (OUTCOMES, OUTCOME), (SETTLEMENTS, SETTLED)):
        spool = Spool(ledger.spool, "w", kind)
        spool.write((record,))
        spool.close()


def test_each_kind_of_record_goes_into_its_own_table(ledger):
    write_each_kind(ledger)

    assert drain(ledger) == Drained(rows=3, segments=3)

    with reading(ledger) as connection:
        assert connection.execute(
            "SELECT request_id, source, verdict, score, key FROM outcomes"
        ).fetchall() == [("r1", "user", "fail", 0.25, None)]
        assert connection.execute("SELECT record_id, amount, attempt FROM settlements").fetchall() == [
            ("gen-1", 7, 1)
        ]
    assert ids(ledger) == ["r1"]


@pytest.mark.parametrize("step", ["inserted", "committed"])
def test_a_record_of_any_kind_counts_once_though_its_drainer_dies(ledger, step):
    def die(at):
        if at == step:
            raise KeyboardInterrupt

    write_each_kind(ledger)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            drain(ledger, step=die)
    drain(ledger)

    with reading(ledger) as connection:
        for table in ("ledger", "outcomes", "settlements"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)


def test_a_line_that_is_no_record_of_its_kind_is_set_aside(ledger):
    write_each_kind(ledger)
    (segment,) = segments.sealed(ledger.spool, OUTCOMES)
    segment.write_bytes(b'{"request_id":"r2"}\n' + segment.read_bytes())

    assert drain(ledger).rows == 3
    (aside,) = ledger.quarantine.iterdir()
    assert aside.read_bytes() == b'{"request_id":"r2"}\n'


def test_a_ledger_from_before_there_were_kinds_gets_their_tables(ledger):
    write(ledger, entry())
    drain(ledger)
    with writing(ledger) as connection:
        connection.execute("DROP TABLE outcomes")
        connection.execute("DROP TABLE settlements")

    drain_once(ledger)

    with reading(ledger) as connection:
        assert connection.execute("SELECT count(*) FROM outcomes").fetchone() == (0,)
    assert ids(ledger) == ["r1"]
