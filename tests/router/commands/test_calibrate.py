import json

import pytest
from click.testing import CliRunner

from router.commands.calibrate import command
from router.errors import FarthingError
from router.learning.folder import Folder
from router.learning.placed import read_placed
from router.ledger.drain import drain
from router.ledger.store import Ledger
from tests.support.ledger import rows

CONFIG = """
data: {data}
upstreams:
  sim: {{kind: simulated, first_token_ms: 0, tokens_per_second: 1000000, tasks: tasks.yaml}}
  dead: {{kind: openai, base_url: "http://127.0.0.1:9/v1"}}
models:
  - {{name: zork, upstream: sim, price: {{input: 0.05, output: 0.10}}, simulated: {{ability: 2}}}}
  - {{name: gone, upstream: dead}}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "farthing.yaml"
    path.write_text(CONFIG.format(data=tmp_path / "data"))
    ran(path, "--write-tasks", str(tmp_path / "tasks.yaml"), "--prompts", "4")
    return path


def ran(path, *words):
    return CliRunner().invoke(
        command, ["--config", str(path), *words], catch_exceptions=False, standalone_mode=False
    )


def test_a_model_is_asked_placed_and_booked(config, tmp_path):
    result = json.loads(ran(config, "zork", "--prompts", "16", "--json").stdout)
    assert (result["model"], result["prompts"], result["ended_early"]) == ("zork", 16, None)
    assert float(result["cost_usd"]) > 0
    (placed,) = read_placed(Folder(tmp_path / "data"))
    assert len(placed.answers) == 16
    drain(Ledger(tmp_path / "data"))
    booked = rows(tmp_path / "data")
    assert len(booked) == 16
    assert {(row["policy"], tuple(row["tags"]), row["baseline_cost"]) for row in booked} == {
        ("farthing-calibrate", ("farthing-calibrate",), None)
    }
    again = json.loads(ran(config, "zork", "--again", "--json").stdout)
    assert again["ability"] == pytest.approx(result["ability"], abs=1e-3)


def test_a_dry_run_asks_nothing(config, tmp_path):
    assert "Nothing was asked." in ran(config, "zork", "--dry-run").stdout
    assert read_placed(Folder(tmp_path / "data")) == ()


def test_a_bound_on_cost_ends_it_early_and_keeps_what_was_learnt(config):
    result = json.loads(ran(config, "zork", "--json", "--max-cost-usd", "0.00012").stdout)
    assert 0 < result["prompts"] < 80
    assert "cost" in result["ended_early"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone", "gone was not placed: The upstream could not be reached"),
        ("nope", "There is no model 'nope'"),
    ],
)
def test_what_cannot_be_reached_or_is_not_there_is_a_sentence(config, name, said):
    with pytest.raises(FarthingError, match=said):
        ran(config, name, "--prompts", "8")


def test_placing_again_what_was_never_placed_is_a_sentence(config):
    with pytest.raises(FarthingError, match="never placed"):
        ran(config, "zork", "--again")
