"""What every classifier, and what measures requests with it, keeps to."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.difficulty import load
from router.features import Measurer
from router.learning.adapted import Adapted, Living
from router.learning.local import Local
from router.seams import Measure, Predictor
from router.types import Model, Prediction, Tool, Turn
from tests.support.world import model, request


def learnt() -> Predictor:
    effects = {("everywhere",): (-0.5, 0.1), ("model", "qwen3-8b"): (0.3, 0.2), ("slope",): (-0.2, 0.1)}
    local = Local(base="", made=datetime(2026, 11, 24, tzinfo=UTC), effects=effects, lengths={"zork": 3.0})
    return Adapted(load(), local)


PREDICTORS: dict[str, Callable[[], Predictor]] = {"difficulty": load, "learnt": learnt, "living": Living}

KNOWN = model("qwen3-8b", family="qwen3", params_b=8.0, open_weight=True)
UNKNOWN = Model(name="zork", upstream="u", upstream_name="zork")
MODELS = (KNOWN, UNKNOWN)

TEXTS = {
    "nothing": "",
    "white space": " \n\t" * 100,
    "one long word": "a" * 300_000,
    "many words": "word " * 60_000,
    "emoji": "\U0001f34e" * 10_000,
    "half a surrogate": "\ud83d" * 10,
    "control characters": "\x00\x07\u202e" * 1000,
    "brackets": "([{" * 30_000,
}


each_predictor = pytest.mark.parametrize("name", PREDICTORS)


@cache
def made(name: str) -> Predictor:
    """Load it once; what hypothesis prints of a failure is then its name and not its weights."""
    return PREDICTORS[name]()


def sane(predictions: Mapping[str, Prediction], models: Sequence[Model]) -> None:
    assert predictions.keys() == {each.name for each in models}
    for prediction in predictions.values():
        assert 0 <= prediction.success <= 1
        assert prediction.output_tokens > 0
        assert math.isfinite(prediction.output_tokens)


@each_predictor
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_any_conversation_is_described_in_finite_numbers_and_bounded_time(name: str, text: str):
    made(name)  # loading is not what is timed
    began = time.perf_counter()
    vector = made(name).describe((Turn(role="system", text=text), Turn(role="user", text=text)))
    sane(made(name).predict(vector, MODELS), MODELS)
    assert time.perf_counter() - began < 1.0
    assert all(math.isfinite(number) for number in vector)


@each_predictor
def test_a_conversation_without_turns_is_described_too(name: str):
    sane(made(name).predict(made(name).describe(()), MODELS), MODELS)


@each_predictor
def test_no_models_no_predictions(name: str):
    assert dict(made(name).predict(made(name).describe(()), ())) == {}


@each_predictor
@given(texts=st.lists(st.text(max_size=60), max_size=4))
@settings(max_examples=30)
def test_the_same_conversation_is_predicted_the_same(name: str, texts: list[str]):
    turns = tuple(Turn(role="user", text=text) for text in texts)
    vector = made(name).describe(turns)
    assert made(name).describe(turns) == vector
    assert len(vector) == len(made(name).describe(()))
    predictions = made(name).predict(vector, MODELS)
    sane(predictions, MODELS)
    assert made(name).predict(vector, MODELS) == predictions
    alone = made(name).predict(vector, MODELS[:1])[KNOWN.name]
    assert alone.success == pytest.approx(predictions[KNOWN.name].success), "the others do not matter"


@each_predictor
def test_a_bigger_model_of_a_family_is_not_thought_weaker(name: str):
    sizes = (1.7, 8.0, 32.0)
    family = [model(f"qwen3-{size:g}b", family="qwen3", params_b=size, open_weight=True) for size in sizes]
    vector = made(name).describe((Turn(role="user", text="Prove that there are infinitely many primes."),))
    chances = [prediction.success for prediction in made(name).predict(vector, family).values()]
    assert chances == sorted(chances)


@each_predictor
def test_what_is_measured_costs_nothing_and_names_every_model(name: str):
    measure: Measure = Measurer(lambda text: len(text) // 4, made(name))
    asked = request("How many?", tools=(Tool(name="f", parameters={"type": "object"}), Tool(name="g")))
    features = measure(asked, MODELS)
    assert features.prompt_tokens > 0
    assert all(math.isfinite(number) for number in features.vector)
    sane(features.predictions, MODELS)
