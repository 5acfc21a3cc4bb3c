"""`farthing policy`: check, explain, test, simulate and diff, as a user calls them."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import policies
from policies.extending import presets
from router.__main__ import cli
from router.app import gather
from router.clock import SystemClock
from tests.router.recorded import CONFIG, record
from tests.router.test_replay import written

BASE = """\
upstreams: {sim: {kind: simulated}}
models:
  - {name: small, upstream: sim, price: {input: 1, output: 1}}
  - {name: large, upstream: sim, price: {input: 3, output: 9}, capabilities: [tools]}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*words, config=BASE, **files):
        (tmp_path / "farthing.yaml").write_text(config)
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        return CliRunner().invoke(cli, ["policy", *words])

    return call


def test_check_says_which_policies_are_right(run):
    done = run("check", config=BASE + "policies: {default: {}, careful: {extends: private}}")
    assert (done.exit_code, done.output) == (0, "farthing.yaml is right: 2 policies, default, careful.\n")


def test_check_finds_a_policy_that_nobody_can_serve_where_it_says_so(run):
    done = run("check", config=BASE + "policies:\n  open: {models: {where: {open_weight: true}}}\n")
    assert done.exit_code == 1
    assert (
        "farthing.yaml:6:19: policies.open.models.where: no model can ever serve this policy" in done.output
    )


def test_check_doubts_a_claim_that_is_too_old_and_is_lenient_if_told_so(run):
    old = BASE.replace("simulated}", 'simulated, facts: {local: false, trains: false, as_of: "2020-01-01"}}')
    old += "policies:\n  fresh: {models: {where: {trains: false, max_age_days: 30}}}\n"
    done = run("check", config=old)
    assert done.exit_code == 1
    assert "farthing.yaml:1:" in done.output
    assert "the claim 'trains' of small of 2020-01-01 is too old for policy 'fresh'" in done.output
    assert run("check", "--lenient", config=old).exit_code == 0


def test_explain_tells_every_rule_and_the_cheapest_way_out(run, tmp_path):
    asked = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}], "tools": [
        {"type": "function", "function": {"name": "x"}}]}  # fmt: skip
    (tmp_path / "r.json").write_text(json.dumps(asked))
    config = BASE + "policies: {tooled: {when: {tools: true, team: [a, b]}, max_cost_usd: 0.0000001}}"
    done = run("explain", "r.json", "--team", "a", "--json", config=config)
    told = json.loads(done.output)
    assert told["policy"] == "tooled"
    assert [each["rule"] for each in told["rules"]["small"]] == ["can_do", "within_cost"]
    assert told["relaxation"]["model"] == "large"
    assert [each["rule"] for each in told["relaxation"]["rules"]] == ["within_cost"]
    shown = run("explain", "r.json", "--team", "a", config=config)
    assert "Cheapest way out: large could serve if within_cost gave way" in shown.output


def test_explain_takes_either_a_file_or_an_id(run):
    assert run("explain").exit_code == 2


def test_every_preset_does_what_its_own_cases_say(run):
    folder = Path(policies.__file__).parent / "presets"
    assert {path.name.removesuffix(".test.yaml") for path in folder.glob("*.test.yaml")} == set(presets())
    done = run("test", "--presets")
    assert done.exit_code == 0, done.output


CASES = """\
cases:
  - {name: fine, chances: {small: 0.9, large: 0.9}, expect: {first: small, policy: default}}
  - name: wrong
    chances: {small: 0.9, large: 0.9}
    expect:
      {first: large, never: [small], refused: {small: can_do}, order: [large], nothing: true, allowed: [zork]}
"""


def test_a_case_that_fails_is_told_and_the_command_fails(run):
    done = run("test", "cases.yaml", cases=CASES)
    assert done.exit_code == 1
    assert "cases.yaml: wrong: first is 'small', not 'large'" in done.output
    assert "'small' would be tried" in done.output
    assert "'small' is not struck out by 'can_do'" in done.output
    assert "there is no model 'zork'" in done.output
    assert "2 cases, 1 failed." in done.output


@pytest.mark.parametrize("wrong", ["cases: []", "cases: [{name: x, expect: {frist: y}}]", "cases: {", "a"])
def test_a_file_of_cases_that_is_none_is_told_in_a_sentence(run, wrong):
    done = run("test", "cases.yaml", cases=wrong)
    assert done.exit_code != 0
    assert "Traceback" not in done.output
    assert "cases.yaml" in f"{done.output}{done.exception}"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    rows = asyncio.run(record(gather(None, SystemClock()), 40))
    written(rows, folder / "farthing-data")
    (folder / "farthing.yaml").write_text(CONFIG)
    (folder / "new.yaml").write_text(CONFIG.replace("  default: {}", "  default: {models: [huge]}"))
    return folder, rows


def test_a_past_request_is_explained_and_simulated_and_compared(recorded, monkeypatch):
    folder, rows = recorded
    monkeypatch.chdir(folder)
    call = CliRunner().invoke
    row = next(row for row in rows if row.asked == "auto" and row.arm is None)

    told = call(cli, ["policy", "explain", "--id", row.request_id, "--json"])
    assert json.loads(told.output)["decided_again"] is True

    same = call(cli, ["policy", "simulate", "farthing.yaml", "--processes", "1"])
    assert "0 decided otherwise" in same.output
    other = call(cli, ["policy", "diff", "farthing.yaml", "new.yaml", "--processes", "1", "--json"])
    assert other.exit_code == 1
    assert json.loads(other.output)["flipped"] > 0
    assert call(cli, ["policy", "diff", "new.yaml", "new.yaml", "--processes", "1"]).exit_code == 0


def test_an_unknown_id_is_told(recorded, monkeypatch):
    monkeypatch.chdir(recorded[0])
    done = CliRunner().invoke(cli, ["policy", "explain", "--id", "zork"])
    assert "The ledger has no decided request 'zork'." in str(done.exception)
