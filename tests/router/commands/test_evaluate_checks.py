"""`farthing evaluate cascade | risk | checks`, on a small world of recorded answers."""

import json

import pytest
from click.testing import CliRunner

from evaluators import climbing
from evaluators import promises as module
from router.__main__ import cli
from router.commands.evaluate import cascade, risk
from router.types import Prediction
from tests.evaluators.recorded import PAIR, write


class Even:
    """A classifier that expects nothing."""

    def describe(self, turns, /):
        return ()

    def predict(self, vector, models, /):
        return {model.name: Prediction(success=0.5, output_tokens=20) for model in models}


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(cascade, "PAIRS", (PAIR,))
    monkeypatch.setattr(risk, "PAIRS", (PAIR,))
    monkeypatch.setattr(cascade, "load", Even)
    monkeypatch.setattr(climbing, "DRAWS", 50)
    monkeypatch.setattr(module, "RESAMPLINGS", 5)
    write(tmp_path)

    def run(*words):
        result = CliRunner().invoke(cli, ["evaluate", *words, "--data", str(tmp_path)])
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_a_cascade_is_compared(run, tmp_path):
    picture = tmp_path / "curves.svg"
    (one,) = json.loads(run("cascade", "--json", "--plot", str(picture)))
    assert (one["name"], one["prompts"]) == ("small / large, quiz", 200)
    assert one["beyond"]["low"] > 0
    assert picture.read_text().startswith("<svg")
    assert "cascade better than routing at equal cost: 1 of 1: small / large, quiz" in run("cascade")


def test_promises_are_held_against_what_happened(run):
    found = json.loads(run("risk", "--json"))
    assert [one["target"] for one in found] == [0.02, 0.05, 0.1] * 2
    assert "10%: within the bound in at least 95 % of the resamplings" in run("risk")


def test_checks_are_counted(run):
    found = json.loads(run("checks", "--json", "--sample", "200"))
    assert found[0]["source"] == "all"
    assert "condemned" in run("checks")


def test_records_that_are_not_there_are_a_sentence(tmp_path):
    result = CliRunner().invoke(cli, ["evaluate", "cascade", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "the records cannot be read" in result.output
