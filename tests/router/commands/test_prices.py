import json

import pytest
from click.testing import CliRunner

from router.commands.prices import command

CONFIG = """
upstreams:
  cloud: {kind: openai, base_url: "https://api.example.com/v1", provider: groq}
  gpu: {kind: openai, base_url: "http://127.0.0.1:8000/v1", cost: {usd_per_hour: 1.8,
    prefill_tokens_per_second: 5000, decode_tokens_per_second: 1000}}
models:
  - name: stated
    upstream: cloud
    price:
      input: 0.5
      output: 1.5
      source: their page
      checked: "%(checked)s"
      overrides:
        - {above: 1000, input: 1}
        - {hours: [{zone: Asia/Shanghai, start: "22:00", end: "06:00", weekdays: [sat]}], input: 0.25}
  - {name: listed, upstream: cloud, upstream_name: openai/gpt-oss-120b}
  - {name: nobody, upstream: cloud}
  - {name: own, upstream: gpu}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "farthing.yaml"
    path.write_text(CONFIG % {"checked": "2026-11-20"})
    return path


def run(*words):
    result = CliRunner().invoke(command, [str(word) for word in words])
    return result.exit_code, result.output


def test_every_price_is_shown_with_who_says_so(file):
    status, text = run("show", "--config", file, "--json")
    rows = {row["model"]: row for row in json.loads(text)["prices"]}
    assert status == 0
    assert rows["stated"]["price"] == {"input": "0.5", "output": "1.5"}
    assert rows["stated"]["otherwise"] == [
        {"when": {"above": 1000}, "price": {"input": "1"}},
        {"when": {"hours": ["22:00-06:00 Asia/Shanghai on Sat"]}, "price": {"input": "0.25"}},
    ]
    assert rows["stated"]["source"] == "their page"
    assert rows["listed"]["source"].startswith("litellm")
    assert rows["nobody"]["price"] is None
    assert rows["own"]["source"] == "own machine, marginal, stated 5000 and 1000 tokens a second"
    assert rows["own"]["price"] == {"input": "0.1", "output": "0.5", "cached_input": "0"}


def test_one_model_is_shown_whole(file):
    status, text = run("show", "stated", "--config", file)
    assert status == 0
    assert "where hours ['22:00-06:00 Asia/Shanghai on Sat']: input 0.25" in text
    assert run("show", "other", "--config", file)[0] == 2
    assert "unpriced" in run("show", "--config", file)[1]


def test_what_changed_is_told_and_is_the_exit_status(file, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(
        file.read_text().replace("output: 1.5", "output: 2.5").replace("name: own", "name: mine")
    )
    assert run("diff", file, file) == (0, "Nothing changed.\n")
    status, text = run("diff", file, other)
    assert status == 1
    assert "stated: output 1.5 -> 2.5" in text
    assert "own: gone" in text
    assert "mine: new, input 0.1" in text


def test_lists_are_compared_too(tmp_path):
    for name, price in (("old", 1e-7), ("new", 2e-7)):
        entry = {"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": price}
        (tmp_path / f"{name}.json").write_text(
            json.dumps({"acme/m": {**entry, "output_cost_per_token": 1e-6}})
        )
    assert run("diff", tmp_path / "old.json", tmp_path / "new.json") == (1, "acme/m: input 0.1 -> 0.2\n")


def test_what_is_missing_contradicts_or_is_old_is_found(tmp_path):
    path = tmp_path / "farthing.yaml"
    text = CONFIG % {"checked": "2026-01-01"}
    path.write_text(
        text.replace("  - name: stated\n", "  - name: stated\n    upstream_name: openai/gpt-oss-20b\n")
    )
    status, found = run("check", "--config", path, "--json")
    kinds = {(one["kind"], one["model"]) for one in json.loads(found)["trouble"]}
    assert status == 1
    assert kinds == {("missing", "nobody"), ("contradiction", "stated"), ("stale", "stated")}
    assert "missing: nobody" in run("check", "--config", path)[1]


def test_a_book_in_order_is_in_order(tmp_path):
    path = tmp_path / "farthing.yaml"
    path.write_text(
        "upstreams: {a: {kind: simulated}}\nmodels: [{name: m, upstream: a, price: {input: 1, output: 1}}]\n"
    )
    assert run("check", "--config", path) == (0, "The prices of 1 models are known, agree and are fresh.\n")
