"""`farthing difficulty` and `farthing train` over a ledger whose truth is known."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from router.commands.difficulty.reset import command as reset
from router.commands.difficulty.status import command as status
from router.commands.learn import command as learn
from router.commands.train import command as train
from router.errors import FarthingError
from router.learning.standing import find
from router.ledger.drain import drain
from router.ledger.kinds import OUTCOMES
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from router.records import UserOutcome
from router.types import Turn
from tests.support.world import row

CONFIG = """
upstreams: {sim: {kind: simulated}}
models:
  - {name: small, upstream: sim, price: {input: 0.05, output: 0.10}}
  - {name: large, upstream: sim, price: {input: 0.05, output: 0.10}}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "farthing.yaml"
    path.write_text(f"data: {tmp_path / 'data'}\n{CONFIG}")
    return path


def ran(command, path, *words):
    return CliRunner().invoke(
        command, ["--config", str(path), *words], catch_exceptions=False, standalone_mode=True
    )


def told(path, count=40, score=0.0):
    """Fill the ledger with answers of which 0.6 was promised."""
    data, base, now = path.parent / "data", find(None).base, datetime.now(UTC)
    vector = base.describe((Turn(role="user", text="hello"),))
    rows = [
        row(
            time=now - timedelta(minutes=count - number),
            request_id=f"r{number}",
            kind="chat",
            scale=base.scale,
            vector=vector,
            predictions={"small": 0.6},
            output_tokens=100,
        )
        for number in range(count)
    ]
    outcomes = [
        UserOutcome(time=now, request_id=each.request_id, source="test", score=score) for each in rows
    ]
    for name, kind, records in (("w", [], rows), ("o", [OUTCOMES], outcomes)):
        spool = Spool(data / "spool", name, *kind)
        spool.write(records)
        spool.close()
    drain(Ledger(data))


def test_before_anything_was_learnt_it_says_so(config):
    done = ran(status, config)
    assert done.exit_code == 0
    assert "shipped" in done.stdout
    assert "Nothing was learnt from traffic yet" in done.stdout


def test_drift_is_an_alarm_and_an_exit_status(config):
    told(config)
    assert ran(learn, config, "--once").stdout == "Learnt from 40 outcomes and 0 verdicts of self-checks.\n"
    done = ran(status, config)
    assert done.exit_code == 1
    assert "ALARM model small: outcomes are worse than promised" in " ".join(done.stdout.split())
    told_json = json.loads(ran(status, config, "--json").stdout)
    (cell,) = told_json["cells"]
    assert (cell["outcomes"], cell["promised"], cell["found"]) == (40, 0.6, 0.0)
    assert cell["shift"] < -2


def test_a_reset_forgets_and_only_what_comes_later_counts(config):
    told(config)
    ran(learn, config, "--once")
    assert "Forgotten: small" in ran(reset, config, "--model", "small").stdout
    assert ran(learn, config, "--once").stdout.startswith("Learnt from 0 outcomes")
    assert json.loads(ran(status, config, "--json").stdout)["learnt"]["ignored"] == {"before a reset": 40}
    assert "everything" in ran(reset, config).stdout


def test_training_on_too_little_is_a_sentence(config):
    told(config)
    with pytest.raises(FarthingError, match="training needs 200"):
        ran(train, config)


def test_there_is_nothing_to_go_back_to(config):
    with pytest.raises(FarthingError, match="nothing to go back to"):
        ran(train, config, "--rollback")
