"""A batch is told by its rows in the ledger, and by where it stands in its store."""

import csv
import json
from io import StringIO

import pytest
from click.testing import CliRunner

from batch.jobs import Batch, Claim, Line, Result
from batch.place import Place
from router.__main__ import cli
from router.errors import UnknownObject
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from router.types import DOLLAR, Principal, Purpose, Status
from tests.support.entries import entry

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three lines: one answered at once, one that climbed, one whose first call was lost."""
    tmp_path = tmp_path_factory.mktemp("data")
    store = Place.within(tmp_path).open()[0]
    asked = Batch(
        id="batch_1", principal=Principal(), endpoint=CHAT, input_file="f", window=3600, created=1000,
        max_cost=5 * DOLLAR,
    )  # fmt: skip
    store.add_batch(asked)
    store.begin("batch_1", [Line(number=n, custom_id=str(n), offset=0, length=1) for n in (1, 2, 3)], at=1000)
    claims = store.claim("w", 2)
    for claim in claims:
        assert isinstance(claim, Claim)
        store.complete([(claim, Result(status=200, body=b"{}", request_id="x", cost=DOLLAR))])
    mine = {"batch": "batch_1", "cost": DOLLAR, "cost_bound": DOLLAR}
    spool = Spool(Ledger(tmp_path).spool, "w")
    spool.write(
        [
            entry(request_id="l1", attempts=1, ended="accepted", total_cost=DOLLAR, **mine),
            entry(
                request_id="l2", status=Status.REJECTED, final=False, handed_to="big",
                verdicts={"shape": "empty"}, **mine,
            ),
            entry(request_id="l2", attempt=2, purpose=Purpose.CHECK, final=False, **mine),
            entry(
                request_id="l2", attempt=3, model="big", attempts=3, ended="accepted", escalated=True,
                total_cost=3 * DOLLAR, baseline_cost=4 * DOLLAR, **{**mine, "cost": DOLLAR},
            ),
            entry(
                request_id="l3", status=Status.LOST, final=False,
                **{**mine, "cost": None, "cost_bound": 2 * DOLLAR},
            ),
            entry(request_id="other", cost=7 * DOLLAR),
        ]
    )  # fmt: skip
    spool.close()
    return tmp_path


def report(data, *words):
    args = ["batch", "report", "batch_1", "--data", str(data), *words]
    return CliRunner().invoke(cli, args, catch_exceptions=False)


@pytest.fixture(scope="module")
def told(data):
    return json.loads(report(data, "--format", "json").stdout)


def test_it_says_where_the_batch_stands_and_what_it_may_cost(data):
    (row,) = json.loads(report(data, "--part", "standing", "--format", "json").stdout)["rows"]
    assert (row["status"], row["lines"], row["completed"], row["left"]) == ("in_progress", 3, 2, 1)
    assert (row["spend_usd"], row["cap_usd"]) == ("2", "5")
    assert row["deadline"] == "1970-01-01T01:16:40+00:00"


def test_it_says_what_each_model_did_and_what_checks_cost(told):
    models = {row["model"]: row for row in told["models"]["rows"]}
    assert (models["small"]["answered"], models["small"]["rejected"], models["small"]["lost"]) == (1, 1, 1)
    assert (models["big"]["answered"], models["small"]["spend_on_checks_usd"]) == (1, "1")
    assert sum(float(row["spend_usd"]) for row in models.values()) == 4


def test_it_says_what_escalated_and_why_and_what_was_lost(told):
    (climb,) = told["escalations"]["rows"]
    assert (climb["from_model"], climb["to_model"], climb["reason"]) == ("small", "big", "shape")
    (lost,) = told["failures"]["rows"]
    assert (lost["status"], lost["calls"], lost["spend_at_most_usd"]) == ("lost", 1, "2")


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_every_format_has_every_part(data, form):
    shown = report(data, "--format", form).stdout
    for title in ("Batch", "Batches", "Overview", "Escalations", "Checks", "Failures"):
        assert title in shown


def test_csv_is_one_part(data):
    rows = list(csv.DictReader(StringIO(report(data, "--part", "models", "--format", "csv").stdout)))
    assert {row["model"] for row in rows} == {"small", "big"}
    assert "say which with --part" in report(data, "--format", "csv").stderr


def test_a_batch_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(UnknownObject, match="There is no batch 'batch_1'"):
        report(tmp_path)


def test_where_machines_share_a_store_it_says_whose_calls_it_tells_of(data, monkeypatch):
    known = Place.within(data).open()[0].batch("batch_1")
    monkeypatch.setattr("router.commands.batch.report._shared", lambda _path: "postgresql://elsewhere")
    monkeypatch.setattr("router.commands.batch.report._batch", lambda *_: known)

    assert "this machine's calls alone" in report(data).stderr
    whole = report(data, "--format", "json")
    assert "this machine's calls alone" in json.loads(whole.stdout)["note"]
    assert report(data, "--part", "standing").stderr == ""


def test_where_a_machine_works_alone_nothing_is_said_of_others(data, told):
    assert "note" not in told
    assert report(data).stderr == ""
