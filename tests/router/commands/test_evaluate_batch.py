"""`farthing evaluate batch`, on a small world of recorded answers."""

import json

import pytest
from click.testing import CliRunner

from router.__main__ import cli
from router.commands.evaluate import batch
from router.replaying import Ladder, Way
from router.types import Prediction
from tests.evaluators.recorded import PAIR, write


class Even:
    """A classifier to which all questions are alike."""

    scale = ""

    def describe(self, turns, /):
        return ()

    def predict(self, vector, models, segment=None, /):
        chance = {"large": 0.9}
        return {
            model.name: Prediction(success=chance.get(model.name, 0.85), output_tokens=20) for model in models
        }


@pytest.fixture
def run(tmp_path, monkeypatch):
    ladder = Ladder(source=PAIR.source, rungs=(PAIR.small, PAIR.large), peers=PAIR.peers)
    ways = (Way(name="routed, 0.9", quality=0.9), Way(name="with agreement, 0.9", quality=0.9, peers=True))
    monkeypatch.setattr(batch, "LADDERS", (ladder,))
    monkeypatch.setattr(batch, "WAYS", ways)
    monkeypatch.setattr(batch, "load", Even)
    write(tmp_path, prompts=200)

    def run(*words):
        result = CliRunner().invoke(cli, ["evaluate", "batch", *words, "--data", str(tmp_path)])
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_a_peer_that_knows_makes_a_batch_cheaper_at_equal_quality(run):
    routed, agreed = json.loads(run("--json"))
    assert (routed["lines"], routed["climbed"]) == (100, 0.0)
    assert routed["versus"]["mix"]["value"] == pytest.approx(1.0)
    assert agreed["climbed"] > 0.2
    assert agreed["versus"]["mix"]["high"] < 1.0
    assert "with agreement: of 1 batches, 1 cheaper than the mix of equal quality beyond doubt" in run()


def test_so_many_lines_are_replayed(run):
    assert {row["lines"] for row in json.loads(run("--json", "--lines", "30"))} == {30}
