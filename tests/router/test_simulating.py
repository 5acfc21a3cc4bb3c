"""What another configuration would have cost, told from the ledger."""

from dataclasses import fields

import pytest

from router.app import gather
from router.clock import SystemClock
from router.comparing import compared
from router.simulating import Columns, run
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
