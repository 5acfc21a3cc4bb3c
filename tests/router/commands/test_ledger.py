"""`farthing ledger`, as somebody types it."""

import pytest
from click.testing import CliRunner

from router.commands.ledger import command
from router.ledger.drain import drain_once
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from tests.support.entries import entries


@pytest.fixture
def data(tmp_path):
    ledger = Ledger(tmp_path / "data")
    spool = Spool(ledger.spool, "w")
    spool.write(entries(3))
    spool.close()
    drain_once(ledger)
    return ledger.data


def run(*words):
    return CliRunner().invoke(command, [str(word) for word in words])


def test_a_damaged_ledger_is_repaired_and_the_old_file_named(data):
    Ledger(data).database.write_bytes(b"garbage")

    told = run("repair", "--data", data)

    assert (told.exit_code, "ledger: 3 rows" in told.output) == (0, True)
    assert "ledger.duckdb.corrupt-" in told.output
    assert "Nothing is wrong" in run("verify", "--data", data).output


def test_repairing_where_nothing_is_kept_is_refused_with_a_sentence(tmp_path):
    told = run("repair", "--data", tmp_path)
    assert "Nothing is kept" in str(told.exception)


def test_texts_are_in_a_backup_that_asks_for_them_and_nowhere_else(data, tmp_path):
    texts = data / "content"
    texts.mkdir()
    (texts / "2026-11-24.w.jsonl").write_text("{}\n")
    (texts / "2026-11-24.w.jsonl").chmod(0o600)

    run("backup", tmp_path / "without", "--data", data)
    run("backup", tmp_path / "with", "--content", "--data", data)
    told = run("restore", tmp_path / "with", "--data", tmp_path / "new")

    assert not (tmp_path / "without" / "content").exists()
    assert "content: 1 files" in told.output
    back = tmp_path / "new" / "content" / "2026-11-24.w.jsonl"
    assert (back.read_text(), back.stat().st_mode & 0o777) == ("{}\n", 0o600)
