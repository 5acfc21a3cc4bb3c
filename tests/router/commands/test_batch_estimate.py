"""A batch is estimated on this machine: no server, no call, no cent."""

import json

import pytest
from click.testing import CliRunner

from router.__main__ import cli

CONFIG = """
upstreams: {far: {kind: openai, base_url: "http://127.0.0.1:9/v1"}}
models:
  - {name: small, upstream: far, price: {input: 0.1, output: 0.1}, context_window: 8192, params_b: 8}
  - {name: large, upstream: far, price: {input: 5, output: 5}, context_window: 131072, params_b: 400}
policies:
  default: {quality: 0.5}
  best: {quality: 1.0, checks: [shape, {judge: {model: large}}]}
  none: {models: [small], max_cost_usd: 0.0000000001}
"""


def line(number, **body):
    asked = {"model": "auto", "messages": [{"role": "user", "content": f"What is {number} + 2?"}], **body}
    url = "/v1/chat/completions"
    return json.dumps({"custom_id": str(number), "method": "POST", "url": url, "body": asked})


@pytest.fixture
def file(tmp_path):
    (tmp_path / "farthing.yaml").write_text(CONFIG + f"data: {tmp_path / 'data'}\n")
    path = tmp_path / "lines.jsonl"
    lines = [line(number, max_tokens=100) for number in range(60)]
    lines[7], lines[9] = "{", line(9, model="larg")
    path.write_text("\n".join(lines))
    return path


def estimate(file, *words):
    args = ["batch", "estimate", str(file), "--config", str(file.with_name("farthing.yaml")), *words]
    return CliRunner().invoke(cli, args, catch_exceptions=False)


def told(file, *words):
    return json.loads(estimate(file, "--format", "json", *words).stdout)


def test_every_way_has_a_cost_an_interval_and_a_ceiling(file):
    ways = {way["way"]: way for way in told(file, "--all")["ways"]}
    assert list(ways) == ["as asked", "default", "best", "none", "all on the strongest"]
    for name in ("as asked", "default", "best", "all on the strongest"):
        cost = {key: float(value) for key, value in ways[name]["cost_usd"].items()}
        assert 0 < cost["low"] <= cost["likely"] <= cost["high"] <= cost["most"]
    likely = {name: float(way["cost_usd"]["likely"]) for name, way in ways.items() if way["models"]}
    assert likely["as asked"] == likely["default"] < likely["all on the strongest"] < likely["best"]


def test_bad_lines_are_told_with_their_numbers_and_spoil_nothing(file):
    found = told(file)
    assert [(each["line"], each["code"]) for each in found["troubles"]] == [
        (8, "invalid_json_line"),
        (10, "UnknownModel"),
    ]
    assert (found["lines"]["total"], found["lines"]["measured"]) == (60, 58)


def test_lines_that_no_model_may_serve_are_told_with_the_reason(file):
    (none, _) = told(file, "--policy", "none")["ways"]
    assert none["refused"] == 58
    assert "cost" in next(iter(none["reasons"]))


def test_a_time_that_nobody_measured_is_unknown(file):
    result = estimate(file)
    assert "unknown: no batch was there before" in result.stdout
    assert told(file)["ways"][0]["seconds"]["likely"] is None


def test_hours_in_which_an_engine_is_closed_are_said_not_to_count(file):
    config = file.with_name("farthing.yaml")
    pool = '9/v1", pool: {windows: ["22:00-06:00"]}'
    config.write_text(config.read_text().replace('9/v1"', pool))
    assert any(note.startswith("Times at far are of work") for note in told(file)["notes"])


def test_a_sample_says_that_it_is_one(file):
    found = told(file, "--sample", "50")
    assert found["lines"] == {"total": 60, "measured": 49, "sampled": True, "in_trouble": 2}
    assert any("sample" in note for note in found["notes"])


def test_what_is_no_batch_is_said_in_a_sentence(file, capsys):
    empty = file.with_name("empty.jsonl")
    empty.write_text("")
    with pytest.raises(Exception, match="has no lines"):
        estimate(empty)
    with pytest.raises(Exception, match="There is no policy"):
        estimate(file, "--policy", "bset")
