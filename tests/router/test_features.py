"""What can be told about a request without spending anything."""

import time

import pytest

from router.features import COUNTED, Measurer, TokenCounter, vocabulary
from router.types import Prediction, Tool
from tests.support.world import model, request


@pytest.fixture(scope="module")
def count():
    return TokenCounter(vocabulary())


class Knows:
    scale = "test"

    def describe(self, turns, /):
        return (float(len(turns)),)

    def predict(self, vector, models, segment=None, /):
        return {m.name: Prediction(success=0.5, output_tokens=vector[0]) for m in models}


def test_ordinary_text_is_counted_exactly(count):
    assert [count(""), count("hello world"), count("What is 2 + 2?")] == [0, 2, 8]


def test_a_long_text_is_extrapolated_from_its_beginning(count):
    exact = count("lorem ipsum dolor " * (COUNTED // 18))
    assert count("lorem ipsum dolor " * (COUNTED // 18) * 10) == pytest.approx(10 * exact, rel=0.01)


@pytest.mark.parametrize(
    "text", ["a" * 10**6, " " * 10**6, "\U0001f600" * 10**6, "\n\t" * 10**5, "\x00\ufeff\ud800" * 10**5]
)
def test_no_text_takes_long(count, text):
    began = time.perf_counter()
    assert count(text) > 0
    assert time.perf_counter() - began < 1


def test_a_request_is_measured(count):
    features = Measurer(count, Knows())(request("hello world"), [model("a"), model("b")])
    assert (features.prompt_tokens, features.vector) == (6, (1.0,))
    assert set(features.predictions) == {"a", "b"}
    assert (features.scale, features.kind) == ("test", "chat")


def test_declared_tools_count_as_prompt(count):
    measure = Measurer(count, Knows())
    bare = measure.prompt_tokens(request("hi"))
    assert measure.prompt_tokens(request("hi", tools=(Tool(name="f", parameters={"type": "object"}),))) > bare
