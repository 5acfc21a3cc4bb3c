"""Grafana's dashboard and the alarms ask only for metrics that there are."""

import json
import re
from pathlib import Path

import yaml

from dashboards.metrics import Metrics
from tests.support.world import row

FOLDER = Path("dashboards/grafana")
NAME = re.compile(r"farthing_[a-z_]+")


def known(tmp_path):
    metrics = Metrics(spool=tmp_path)
    metrics.alarm("p", broken=True)
    metrics.write(
        [row(baseline_cost=1, status="rejected", substituted=True, first_token_ms=1.0, input_tokens=1)]
    )
    return set(NAME.findall(metrics.expose().decode()))


def expressions():
    panels = json.loads((FOLDER / "farthing.json").read_text())["panels"]
    rules = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
    return [target["expr"] for panel in panels for target in panel["targets"]] + [
        rule["expr"] for rule in rules
    ]


def test_every_metric_that_is_asked_for_is_exposed(tmp_path):
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(asked) > 10
    assert asked <= known(tmp_path)


def test_parentheses_are_balanced_and_panels_do_not_overlap():
    for expression in expressions():
        assert expression.count("(") == expression.count(")"), expression
    panels = json.loads((FOLDER / "farthing.json").read_text())["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)


def test_what_waits_in_the_spool_is_told(tmp_path):
    (tmp_path / "a.v1.jsonl").write_text("12345\n")
    text = Metrics(spool=tmp_path).expose().decode()
    assert "farthing_spool_bytes 6.0" in text
    assert "farthing_spool_age_seconds" in text
