"""From rows of a ledger to predictions that are moved."""

from datetime import UTC, datetime, timedelta

import pytest

from router.difficulty import load
from router.learning.folder import Folder, write
from router.learning.job import reckon
from router.learning.standing import find
from router.ledger.drain import drain
from router.ledger.kinds import OUTCOMES
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from router.records import UserOutcome
from router.types import Segment, Turn
from tests.support.world import model, row

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CHAT = Segment("default", "chat")
MODELS = {name: model(name) for name in ("small", "large")}


@pytest.fixture(scope="module")
def vector():
    return load().describe((Turn(role="user", text="hello"),))


def answered(vector, number, **more):
    given = {
        "time": NOW - timedelta(minutes=100 - number),
        "request_id": f"r{number}",
        "kind": "chat",
        "scale": load_scale(),
        "vector": vector,
        "predictions": {"small": 0.6, "large": 0.8},
        "output_tokens": 400,
        "verdicts": {"shape": "pass"},
    }
    return row(**{**given, **more})


def load_scale():
    return find(None).base.scale


def outcome(number, score):
    return UserOutcome(time=NOW, request_id=f"r{number}", source="test", score=score)


def ledger_of(folder, rows, outcomes=()):
    for name, kind, records in (("w", None, rows), ("o", OUTCOMES, outcomes)):
        spool = Spool(folder / "spool", name, *([kind] if kind else []))
        spool.write(records)
        spool.close()
    drain(Ledger(folder))
    return Folder(folder)


def test_outcomes_lower_a_model_that_fails_and_say_how_sure_that_is(tmp_path, vector):
    rows = [answered(vector, number) for number in range(40)]
    folder = ledger_of(tmp_path, rows, [outcome(number, 0.0) for number in range(40)])
    local = reckon(folder, MODELS, now=NOW)
    (cell,) = local.cells
    assert (cell.outcomes, cell.promised, cell.found) == (40, 0.6, 0.0)
    assert cell.shift < -2
    assert cell.high is not None
    assert cell.high < 0.1
    assert local.shift("small", CHAT) < local.shift("large", CHAT) < 0
    assert [alarm.side for alarm in local.alarms] == ["worse than promised"] * 3
    found = find(folder)
    assert found.local == local or found.local is not None


def test_the_same_ledger_gives_the_same_result(tmp_path, vector):
    folder = ledger_of(
        tmp_path, [answered(vector, number) for number in range(9)], [outcome(n, n % 2) for n in range(9)]
    )
    assert reckon(folder, MODELS, now=NOW) == reckon(folder, MODELS, now=NOW)


def test_an_outcome_is_of_the_answer_that_was_shown(tmp_path, vector):
    rows = [
        answered(vector, 1, status="rejected", final=False, verdicts={"shape": "empty"}),
        answered(vector, 1, attempt=2, model="large", reason="escalated: shape said empty"),
    ]
    local = reckon(ledger_of(tmp_path, rows, [outcome(1, 1.0)]), MODELS, now=NOW)
    told = {cell.model: (cell.outcomes, cell.rejected) for cell in local.cells}
    assert told == {"small": (0, 1), "large": (1, 0)}


def test_what_cannot_be_learnt_from_is_counted(tmp_path, vector):
    rows = [
        answered(vector, 1, model="gone"),
        answered(vector, 2, scale="another"),
        answered(vector, 3),
        answered(vector, 4, verdicts={}),
    ]
    folder = ledger_of(tmp_path, rows)
    write(folder.forgotten, {"models": {"small": NOW.isoformat()}})
    local = reckon(folder, MODELS, now=NOW)
    assert sum(local.ignored.values()) == 3
    assert local.cells == ()


def test_an_empty_ledger_teaches_nothing(tmp_path):
    local = reckon(Folder(tmp_path), MODELS, now=NOW)
    assert (local.effects, local.cells) == ({}, ())


def test_lengths_follow_what_is_written(tmp_path, vector):
    folder = ledger_of(tmp_path, [answered(vector, number, output_tokens=4_000) for number in range(40)])
    assert reckon(folder, MODELS, now=NOW).lengths["small"] > 2
