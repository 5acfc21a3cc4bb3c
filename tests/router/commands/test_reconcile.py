import json

import pytest
from click.testing import CliRunner

from dashboards import reports
from router.commands.reconcile import command
from router.ledger.drain import drain_once
from router.ledger.spool import Spool
from router.ledger.store import Ledger, reading
from tests.support.entries import entry

DOLLAR = 10**12

ACTIVITY = """generation_id,created_at,cost_total,tokens_prompt,tokens_completion,model_permaslug
gen-1,2026-11-23 12:00:01.5,0.000007,100,10,qwen/qwen3-8b
gen-2,2026-11-23 12:00:02,0.000004,100,10,qwen/qwen3-8b
gen-9,2026-11-23 12:00:03,0.5,100,10,qwen/qwen3-8b
"""


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "data")
    spool = Spool(ledger.spool, "w")
    spool.write([
        entry(served_id="gen-1", cost=5_000_000, cost_bound=9_000_000, cost_grade="estimated"),
        entry(request_id="r2", served_id="gen-2", cost=4_000_000, cost_bound=4_000_000),
        entry(request_id="r3", served_id="gen-3", cost=1, cost_bound=1),
    ])  # fmt: skip
    spool.close()
    return ledger


def run(ledger, file, *more, provider="openrouter"):
    words = [str(file), "--provider", provider, "--data", str(ledger.data), "--json", *more]
    result = CliRunner().invoke(command, words)
    return result.exit_code, json.loads(result.stdout) if result.stdout.startswith("{") else result.output


def settlements(ledger):
    with reading(ledger) as connection:
        return connection.execute(
            "SELECT record_id, amount, request_id, attempt FROM settlements ORDER BY record_id"
        ).fetchall()


def test_each_record_is_settled_once_however_often_its_file_is_read(ledger, tmp_path):
    file = tmp_path / "activity.csv"
    file.write_text(ACTIVITY)

    status, first = run(ledger, file)
    assert (status, first["matched"], first["unmatched"], first["new"]) == (1, 2, 1, 3)
    assert (first["billed_usd"], first["booked_usd"], first["drift_usd"]) == (
        "0.000011",
        "0.000009",
        "0.000002",
    )
    _, second = run(ledger, file)
    assert second == {**first, "new": 0}
    assert settlements(ledger) == [
        ("gen-1", 7_000_000, "r1", 1),
        ("gen-2", 4_000_000, "r2", 1),
        ("gen-9", DOLLAR // 2, None, None),
    ]


def test_reports_count_what_was_billed_where_that_is_known(ledger, tmp_path):
    drain_once(ledger)
    before = spent(ledger)
    file = tmp_path / "activity.csv"
    file.write_text(ACTIVITY)
    run(ledger, file)

    assert spent(ledger) - before == 2_000_000


def spent(ledger):
    table = reports.run(ledger.data, "spend")
    names = [column.name for column in table.columns]
    return sum(row[names.index("spend")] for row in table.rows)


def test_generations_as_json_are_read_too_one_or_many(ledger, tmp_path):
    one = {"data": {"id": "gen-1", "total_cost": 0.000007, "native_tokens_prompt": 100}}
    lines = tmp_path / "lines.jsonl"
    lines.write_text(json.dumps(one) + "\n" + json.dumps({"id": "gen-2", "total_cost": 4e-06}) + "\n")
    assert run(ledger, lines)[1]["matched"] == 2
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps([one]))
    status, found = run(ledger, whole)
    assert (status, found["matched"], found["new"]) == (0, 1, 0)


def test_any_csv_is_read_by_the_names_of_its_columns(ledger, tmp_path):
    file = tmp_path / "acme.csv"
    file.write_text("call,usd\ngen-2,$0.000005\n")
    status, found = run(ledger, file, "--map", "id=call,cost=usd", provider="csv")
    assert (status, found["beyond_bound"]) == (1, 1)
    assert settlements(ledger) == [("gen-2", 5_000_000, "r2", 1)]


def test_a_corrected_record_is_settled_anew_and_the_latest_counts(ledger, tmp_path):
    file = tmp_path / "acme.csv"
    for amount in ("0.000003", "0.000002"):
        file.write_text(f"id,cost\ngen-2,{amount}\n")
        run(ledger, file, "--map", "id=id,cost=cost", provider="csv")
    assert len(settlements(ledger)) == 2
    drain_once(ledger)
    assert spent(ledger) == 5_000_000 + 2_000_000 + 1


def test_a_dry_run_writes_nothing(ledger, tmp_path):
    file = tmp_path / "activity.csv"
    file.write_text(ACTIVITY)
    assert run(ledger, file, "--dry-run")[1]["new"] == 3
    assert settlements(ledger) == []


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("a,b\n1,2\n", "it needs generation_id/id and cost_total"),
        ("id,total_cost\ngen-1,many\n", "'many' is no amount"),
        ("id,total_cost\ngen-1,1e99\n", "no amount anybody bills"),
        ("id,total_cost,created_at\ngen-1,1,yesterday\n", "'yesterday' is no time"),
        ("[1]", "a record that is no object"),
        ("{nonsense", "neither JSON nor lines"),
    ],
)
def test_a_file_that_is_no_bill_is_refused_with_a_sentence(ledger, tmp_path, text, trouble):
    file = tmp_path / "file"
    file.write_text(text)
    result = CliRunner().invoke(command, [str(file), "--provider", "openrouter", "--data", str(ledger.data)])
    assert trouble in str(result.exception)


def test_a_mapping_needs_an_id_and_a_cost(ledger, tmp_path):
    file = tmp_path / "acme.csv"
    file.write_text("id,cost\n")
    words = [str(file), "--provider", "csv", "--map", "id=id,price=cost", "--data", str(ledger.data)]
    result = CliRunner().invoke(command, words)
    assert "there is no price" in result.output
