import csv
import json
import shutil
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from router.__main__ import cli, main
from router.commands.report import freshen
from router.ledger import store
from router.ledger.drain import drain
from router.ledger.spool import Spool
from router.ledger.store import Ledger, Patience, elected
from tests.support.entries import entry


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def spool(data, *rows):
    written = Spool(Ledger(data).spool, "w")
    written.write(rows)
    written.close()


def report(data, *words):
    return CliRunner().invoke(cli, ["report", "--data", str(data), *words], catch_exceptions=False)


def test_it_shows_what_is_still_in_the_spool_too(data):
    spool(data, entry(cost=1_500_000_000_000))

    result = report(data)

    assert result.exit_code == 0
    assert "$1.50" in result.stdout
    assert "Overview" in result.stdout


def test_it_reads_while_somebody_else_drains(data):
    spool(data, entry())
    drain(Ledger(data))

    with elected(Ledger(data)):
        (row,) = json.loads(report(data, "--format", "json").stdout)["rows"]

    assert row["requests"] == 1


def test_what_does_not_come_into_the_ledger_in_time_is_missed_aloud(data, capsys):
    spool(data, entry())

    with elected(Ledger(data)):
        freshen(Ledger(data), Patience(seconds=0))

    assert "the newest rows are not in the ledger yet" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_before_anything_was_written_it_says_so_and_makes_nothing(data, form):
    result = report(data, "spend", "--format", form)

    assert result.exit_code == 0
    said = result.stdout if form == "table" else result.stderr
    assert said == f"Nothing has been written to the ledger in {data} yet.\n"
    assert not data.exists()


def test_programs_get_a_document_even_then(data):
    assert json.loads(report(data, "spend", "--format", "json").stdout)["rows"] == []
    assert next(csv.reader(StringIO(report(data, "spend", "--format", "csv").stdout)))[0] == "model"


def test_a_period_without_rows_is_said_to_be_one(data):
    spool(data, entry())

    result = report(data, "spend", "--since", "2030-01-01")

    assert (result.exit_code, result.stdout) == (0, "Spend by model: nothing in this period.\n")


def test_it_groups_by_what_is_asked(data):
    spool(data, entry(team="red"), entry(request_id="b", team="blue"))

    rows = json.loads(report(data, "spend", "--by", "team", "--format", "json").stdout)["rows"]

    assert {row["team"] for row in rows} == {"red", "blue"}


def test_it_lists_the_reports(data):
    result = report(data, "--list")

    assert result.exit_code == 0
    for name in ("overview", "spend", "models", "escalations", "checks"):
        assert name in result.stdout


def test_a_table_in_a_file_is_not_cut_to_the_width_of_a_terminal(data):
    spool(data, entry(model="m" * 70))

    assert "m" * 70 in report(data, "spend").stdout


def test_markdown_can_be_asked_for(data):
    spool(data, entry())

    assert report(data, "--format", "markdown").stdout.startswith("## Overview\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["profits"], "There is no report 'profits'"),
        (["spend", "--by", "mood"], "'mood' is nothing to group by"),
        (["--since", "soon"], "'soon' is no time"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line_and_status_2(data, words, said, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["farthing", "report", "--data", str(data), *words])

    with pytest.raises(SystemExit) as caught:
        main()

    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"farthing: {said}")
    assert error.count("\n") == 1


def test_a_spool_that_cannot_be_drained_is_said_and_the_ledger_shown(data):
    spool(data, entry())
    drain(Ledger(data))
    Ledger(data).election.unlink(missing_ok=True)
    Ledger(data).election.mkdir()

    result = report(data)

    assert result.exit_code == 0
    assert "What was there before is shown." in result.stderr
    assert "Overview" in result.stdout


def test_a_ledger_that_is_broken_is_one_line(data, monkeypatch, capsys):
    data.mkdir()
    Ledger(data).database.write_bytes(b"no database at all, not by far" * 200)
    monkeypatch.setattr("sys.argv", ["farthing", "report", "--data", str(data)])
    monkeypatch.setattr(store, "Patience", partial(Patience, seconds=0))

    with pytest.raises(SystemExit, match="2"):
        main()

    assert capsys.readouterr().err.count("\n") == 1


def test_the_folder_left_out_is_the_one_a_server_makes(data, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    spool(data, entry())
    shutil.move(data, Path("farthing-data"))

    result = CliRunner().invoke(cli, ["report"], catch_exceptions=False)

    assert "Overview" in result.stdout


def test_checks_are_told_of_by_what_they_are_worth_and_a_proof_is_a_report(data):
    spool(data, entry())

    assert "Worth of checks" in report(data, "--by", "check").stdout
    assert json.loads(report(data, "--prove", "--format", "json").stdout)["title"].endswith("control arm")
