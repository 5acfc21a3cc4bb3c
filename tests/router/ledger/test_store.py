import fcntl
import os
import subprocess
import sys
from contextlib import contextmanager

import duckdb
import pytest

from router.ledger import locks
from router.ledger.store import Patience, elected, reading, writing
from router.ledger.troubles import LedgerBroken, LedgerBusy

HURRIED = Patience(seconds=0.05)


def make(ledger):
    with writing(ledger):
        pass


def count(ledger):
    with reading(ledger, HURRIED) as connection:
        return connection.execute("SELECT count(*) FROM ledger").fetchone()[0]


@contextmanager
def held(path, operation):
    """A lock as another process would hold it: of another open file."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, operation)
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def another_process_has(ledger, *, read_only):
    script = (
        "import duckdb, sys; connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'True');"
        "print('open', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", script, str(ledger.database), str(read_only)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"open\n"
        yield
        process.stdin.close()


def test_a_ledger_nobody_wrote_to_reads_as_an_empty_one_and_is_not_made(ledger):
    assert count(ledger) == 0
    assert not ledger.data.exists()


def test_a_ledger_is_made_by_the_first_who_writes(ledger):
    make(ledger)

    assert count(ledger) == 0
    assert ledger.database.exists()


def test_the_file_can_be_opened_by_duckdb_1_5(ledger):
    make(ledger)

    with duckdb.connect(str(ledger.database)) as connection:
        tags = connection.execute(
            "SELECT tags FROM duckdb_databases() WHERE database_name = 'ledger'"
        ).fetchone()

    assert tags is not None
    assert tags[0]["storage_version"].startswith("v1.5.0")


def test_a_file_half_made_by_one_who_was_killed_is_made_anew(ledger):
    ledger.data.mkdir()
    for name in ("ledger.duckdb.new", "ledger.duckdb.new.wal"):
        (ledger.data / name).write_bytes(b"half a file")

    make(ledger)

    assert count(ledger) == 0


def test_readers_read_together(ledger):
    make(ledger)

    with reading(ledger), reading(ledger, HURRIED) as second:
        assert second.execute("SELECT count(*) FROM ledger").fetchone() == (0,)


def test_a_reader_cannot_write(ledger):
    make(ledger)

    with reading(ledger) as connection, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        connection.execute("DELETE FROM ledger")


def test_a_reader_waits_at_the_gate_and_gives_up_in_the_end(ledger):
    make(ledger)

    with held(ledger.gate, fcntl.LOCK_EX), pytest.raises(LedgerBusy, match="held by another"):
        count(ledger)


def test_a_reader_waits_while_this_process_writes(ledger):
    make(ledger)
    with writing(ledger):
        ledger.gate.unlink()
        with pytest.raises(LedgerBusy):
            count(ledger)


def test_a_writer_waits_while_this_process_reads(ledger):
    make(ledger)

    with reading(ledger), pytest.raises(LedgerBusy), writing(ledger, HURRIED):
        pass


@pytest.mark.e2e
def test_a_reader_waits_while_another_process_writes(ledger):
    make(ledger)

    with another_process_has(ledger, read_only=False), pytest.raises(LedgerBusy):
        count(ledger)
    assert count(ledger) == 0


@pytest.mark.e2e
def test_a_writer_waits_while_another_process_reads(ledger):
    make(ledger)

    with (
        another_process_has(ledger, read_only=True),
        pytest.raises(LedgerBusy),
        writing(ledger, HURRIED),
    ):
        pass


def test_the_gate_is_closed_while_somebody_writes_and_open_again_after(ledger):
    with writing(ledger):
        assert not locks.is_open(ledger.gate)

    assert locks.is_open(ledger.gate)


def test_a_reader_who_comes_before_anyone_wrote_needs_no_gate(ledger):
    make(ledger)
    ledger.gate.unlink()

    assert count(ledger) == 0


@pytest.mark.parametrize("content", [b"", b"not a database, by far" * 500])
def test_a_file_that_is_no_ledger_is_a_sentence_not_a_traceback(ledger, content):
    ledger.data.mkdir()
    ledger.database.write_bytes(content)

    with pytest.raises(LedgerBroken, match=r"ledger\.duckdb"):
        count(ledger)


def test_only_one_is_elected_until_it_is_done(ledger):
    with elected(ledger) as first, elected(ledger) as second:
        assert (first, second) == (True, False)

    with elected(ledger) as third:
        assert third


def test_patience_waits_longer_and_longer_but_not_for_ever():
    now, pauses = [0.0], []

    def sleep(seconds):
        pauses.append(seconds)
        now[0] += seconds

    patience = Patience(seconds=1, clock=lambda: now[0], sleep=sleep, jitter=lambda: 1.0)

    tries = sum(1 for _ in patience.tries())

    assert tries == len(pauses) + 1
    assert pauses == sorted(pauses)
    assert max(pauses) == 0.1
    assert 1 <= now[0] <= 1.1


def test_a_tables_name_means_no_python_variable(ledger):
    entries = [1, 2, 3]  # noqa: F841 - DuckDB would find it
    with reading(ledger) as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("SELECT * FROM entries")


@pytest.mark.parametrize("made", [False, True])
def test_a_slow_query_draws_no_bar_into_what_is_printed(ledger, made):
    if made:
        make(ledger)
    with reading(ledger) as connection:
        assert connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() == (False,)
