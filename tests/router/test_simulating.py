"""What another configuration would have cost, told from the ledger."""

from collections import Counter
from dataclasses import fields

import duckdb
import numpy as np
import pytest

from evaluators import EVALUATORS
from policies.replay import FIRST_READ
from router.app import gather
from router.clock import SystemClock
from router.comparing import compared
from router.config import load
from router.ledger.decisions import firsts
from router.ledger.store import Ledger, reading
from router.simulating import Again, Columns, run
from tests.router.recorded import CONFIG, record
from tests.router.test_replay import written


@pytest.fixture(scope="module")
def parts():
    return gather(None, SystemClock())


async def test_the_same_configuration_costs_what_was_paid_and_another_one_says_what_changes(parts, tmp_path):
    rows = await record(parts, 150)
    written(rows, tmp_path / "data")
    same, other = tmp_path / "same.yaml", tmp_path / "other.yaml"
    same.write_text(CONFIG)
    other.write_text(CONFIG.replace("  default: {}", "  default: {models: [huge]}"))

    found = compared(run(same, tmp_path / "data"))

    requests = {row.request_id for row in rows if row.arm != "control"}
    assert found["requests"] == found["decided_with_this_configuration"] == len(requests)
    assert (found["flipped"], found["of_these_decided_the_same"]) == (0, len(requests))
    assert found["cost"]["delta_usd"]["value"] == 0
    assert found["cost"]["exact"] == 1

    changed = run(other, tmp_path / "data")
    found = compared(changed)
    assert found["flipped"] == len(found["flips"]) > 5
    assert found["cost"]["delta_usd"]["low"] > 0
    assert found["quality"]["predicted_delta"]["value"] > 0

    assert compared(changed, run(other, tmp_path / "data"))["flipped"] == 0


MANY = """
    INSERT INTO ledger SELECT l.* REPLACE (
        l.request_id || '-' || t.n AS request_id,
        l.prompt_tokens + (random() * 900)::INT AS prompt_tokens,
        CASE WHEN random() < 0.1 THEN (random() * 5e9)::BIGINT END AS cost_limit,
        CASE WHEN t.n % 3 = 0 THEN map_concat(l.moment, MAP {
            'catch:shape': random(), 'alarm:shape': random() / 9, 'off:refusal': (t.n % 2)::DOUBLE,
            'kept:small': random() * 1e9, 'first_token:large': random() * 5000, 'speed:large': random() * 9,
            'elapsed': random() * 9000
        }) ELSE l.moment END AS moment,
        map_from_entries(list_transform(map_entries(l.predictions), lambda e:
            {'key': e.key,
             'value': round(greatest(0.0, least(1.0, e.value + random() - 0.5)), (1 + t.n % 9)::INT)}
        )) AS predictions,
        map_from_entries(list_transform(map_entries(l.lengths), lambda e:
            {'key': e.key, 'value': e.value * 6 * random()}
        )) AS lengths)
    FROM ledger l, range(1, 40) t(n)
"""
"""Copies of recorded requests with other numbers; many chances are rounded, so that there are ties."""

OTHERWISE = """
  default: {checks: [shape, refusal], escalation: {max_calls: 2}, quality: 0.8}
  titles: {when: {best_chance: {below: 0.4}}, models: [tiny, small], max_cost_usd: 0.0005}
  even: {when: {mean_chance: {at_least: 0.7}}, strategy: cascade, models: [large, small]}
  night: {when: {time: {after: "00:00", before: "23:59"}, prompt_tokens: {below: 300}}, spill: refuse,
          prefer: {local: true}, escalation: {max_calls: 1}}
  once: {escalation: {max_calls: 1}}
  fast: {extends: latency-first}
  home: {prefer: {family: x}}
  canary: {strategy: weighted}
  watched: {control: {share: 0.2}}
"""


async def test_many_requests_decided_at_once_are_decided_as_they_are_one_by_one(parts, tmp_path):
    written(await record(parts, 120, seed=3), tmp_path / "data")
    with duckdb.connect(str(tmp_path / "data" / "ledger.duckdb")) as connection:
        connection.execute(MANY)
    policies = CONFIG[CONFIG.index("  default: {}") : CONFIG.index("aliases:")]
    for number, config in enumerate((CONFIG, CONFIG.replace(policies, OTHERWISE.lstrip("\n")))):
        path = tmp_path / f"{number}.yaml"
        path.write_text(config)
        at_once = run(path, tmp_path / "data")
        again, one_by_one = Again(load(path, environ={}, known_checks=EVALUATORS)), Columns()
        with reading(Ledger(tmp_path / "data")) as connection:
            for row in firsts(connection, FIRST_READ):
                again.first(row, one_by_one)
            for row in firsts(connection, (*FIRST_READ, "vector"), only=one_by_one.unforeseen):
                again.first(row, one_by_one)
        assert len(at_once.ids) > 4000
        order, other = np.argsort(at_once.ids), np.argsort(one_by_one.ids)
        for each in fields(Columns):
            made, expected = getattr(at_once, each.name), getattr(one_by_one, each.name)
            if isinstance(made, int) or each.name == "unforeseen":
                assert Counter(np.atleast_1d(made)) == Counter(np.atleast_1d(expected)), each.name
            else:
                both = ([of[place] for place in places] for of, places in ((made, order), (expected, other)))
                # As text, since what is not a number is not equal to itself.
                assert repr(next(both)) == repr(next(both)), each.name


def columns(**given):
    """Requests as they are given, four of each."""
    ordinary = {
        "ids": [], "policies": "p", "old": "a", "new": "a", "paid": 10.0, "first_cost": 10.0,
        "expected_old": 10.0, "expected_new": 10.0, "chance_old": 0.5, "chance_new": 0.5, "rejected": False,
        "told": float("nan"), "propensity": float("nan"),
    }  # fmt: skip
    count = len(next(value for value in given.values() if isinstance(value, list)))
    made = {
        each.name: given.get(each.name, [ordinary[each.name]] * count)
        for each in fields(Columns)
        if each.name in ordinary
    }
    return Columns(**{**made, "ids": [f"r{n}" for n in range(count)]})


def test_a_flip_costs_what_the_new_model_is_expected_to_as_expectations_came_out():
    # Model b took twice what was expected; one in two of its answers was rejected, and a climb cost 30 more.
    found = columns(
        old=["b"] * 40 + ["a"],
        new=["b"] * 41,
        paid=[20e12, 50e12] * 20 + [1e12],
        first_cost=[20e12] * 40 + [1e12],
        expected_old=[10e12] * 41,
        expected_new=[10e12] * 40 + [5e12],
        rejected=[False, True] * 20 + [False],
    )
    assert compared(found)["cost"]["delta_usd"]["value"] == pytest.approx(5 * 2 + 15 - 1)


def test_drawn_requests_with_an_outcome_correct_what_was_predicted():
    # Everything was predicted at 0.9, but only half of what was drawn was good.
    found = columns(
        new=["a"] * 60,
        chance_old=[0.9] * 60,
        chance_new=[0.9] * 60,
        told=[1.0, 0.0] * 30,
        propensity=[1.0] * 60,
    )
    assert compared(found)["quality"]["doubly_robust"]["value"] == pytest.approx(0.5)


def test_without_drawn_requests_there_is_only_the_prediction():
    assert compared(columns(new=["a"] * 3))["quality"]["drawn_with_outcome"] == 0
