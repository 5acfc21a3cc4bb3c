"""The composition root: a configuration becomes a house."""

import asyncio

import pytest

from policies.budgets.memory import MemoryCounters
from policies.meters import Health, Latency
from router.app import Household, Parts
from router.auditing import Auditing
from router.catalog import Knowledge
from router.config import parse
from router.errors import UnknownModel
from router.promises import Promises
from router.types import Prediction, Principal
from tests.support.world import Book, FakeClock, request

CONFIG = """
auth: keys
keys: [{name: alice, secret: 0123456789abcdef, team: research}]
upstreams:
  sim: {kind: simulated}
  here: {kind: openai, base_url: "http://127.0.0.1:9/v1", api_key: k}
models:
  - {name: weak, upstream: sim, price: {input: 1, output: 1}, context_window: 32768, params_b: 1}
  - {name: strong, upstream: sim, price: {input: 9, output: 9}, context_window: 32768, params_b: 90}
  - {name: "org/away", upstream: here, price: {input: 2, output: 2}, context_window: 32768, params_b: 50}
policies:
  careful: {models: [strong], checks: [shape]}
  based: {baseline: weak}
  judged: {models: [weak], checks: [{judge: {model: strong}}]}
"""


class BySize:
    """A classifier that believes in parameters."""

    scale = "test"

    def describe(self, turns, /):
        return (float(len(turns)),)

    def predict(self, vector, models, segment=None, /):
        return {m.name: Prediction(success=(m.params_b or 1) / 100, output_tokens=10) for m in models}


@pytest.fixture
def house():
    parts = Parts(
        session=None,
        predictor=BySize(),
        count=len,
        knowledge=Knowledge.load(),
        health=Health(FakeClock()),
        latency=Latency(FakeClock()),
        counters=MemoryCounters(FakeClock()),
        sinks=[Book()],
        clock=FakeClock(),
        auditing=Auditing(FakeClock(), Promises()),
    )
    return Household(parse(CONFIG, environ={}), parts)


def test_auto_and_its_suffixes_name_policies(house):
    assert house.policy("auto").name == "default"
    assert house.policy("auto:careful").name == "careful"
    assert [model.name for model in house.policy("auto:careful").candidates(request())] == ["strong"]


def test_a_policy_knows_the_models_that_its_checks_ask_beside_its_own(house):
    judged = house.policy("auto:judged")
    assert [model.name for model in judged.candidates(request())] == ["weak"]
    assert list(judged.asked) == ["strong"]


def test_a_models_own_name_pins_it(house):
    policy = house.policy("org/away")
    assert (policy.name, [m.name for m in policy.candidates(request())]) == ("pinned", ["org/away"])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("auto:carefull", "auto:careful"),
        ("strnog", "Did you mean 'strong'"),
        ("zzz", "GET /v1/models"),
        ("auto:", "There is no policy ''"),
        ("x" * 10_000, "There is no model"),
    ],
)
def test_an_unknown_name_is_told_with_what_there_is(house, asked, said):
    with pytest.raises(UnknownModel, match=said.replace("(", "\\(")) as caught:
        house.policy(asked)
    assert len(str(caught.value)) < 400


def test_the_baseline_is_the_strongest_unless_it_is_named(house):
    assert house.policy("auto").strongest.name == "strong"
    assert house.policy("auto:based").strongest.name == "weak"


def test_a_key_is_known_by_its_digest_alone(house):
    who = house.ring.find("0123456789abcdef", FakeClock().now())
    assert who == Principal(key="alice", team="research")
    assert "0123456789abcdef" not in repr(vars(house.ring))


def test_policies_and_models_are_listed(house):
    ids = [entry["id"] for entry in house.listing()]
    assert ids == ["auto", "auto:careful", "auto:based", "auto:judged", "weak", "strong", "org/away"]
    assert house.listing()[4]["pricing"]["prompt"] == "0.000001"


def test_a_simulated_model_answers_without_a_network(house):
    body = {"messages": [{"role": "user", "content": "hello"}]}
    outcome = asyncio.run(house.pipeline.run(request("hello", body=body), house.policy("weak")))
    assert outcome.chosen.decision.model.simulated
    assert outcome.cost > 0
