"""Vectors are cut out of an answer, whatever stands around them, and come through as they were."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.embeddings_wire import EmbeddingsWire
from router.errors import Broken
from router.types import Turn
from tests.support.world import request

TEXTS = tuple(Turn(role="user", text=text) for text in ("a", "b"))
VECTORS = b'[{"index":0,"embedding":[0.30000000000000004,-1e-7]},{"index":1,"embedding":[1.0,2]}]'
USAGE = b'{"prompt_tokens":7,"total_tokens":7}'


def read(data: bytes, texts=TEXTS):
    decoder = EmbeddingsWire().decoder(replace(request(), turns=texts), stream=False)
    assert list(decoder.feed(data)) == []
    (delta,), ending = decoder.end()
    return delta, ending


FIELDS = {
    b'"object"': b'"list"',
    b'"model"': b'"m"',
    b'"data"': VECTORS,
    b'"usage"': USAGE,
    b'"extra"': b'{"data": [1, {"a": []}], "more": "]"}',
}


@given(order=st.permutations(list(FIELDS)), between=st.sampled_from([b"", b" ", b"\n  "]))
def test_fields_may_stand_in_any_order(order, between):
    body = b",".join(name + between + b":" + between + FIELDS[name] + between for name in order)
    delta, ending = read(b"{" + body + b"}")

    assert orjson.loads(ending.envelope["data"]) == orjson.loads(VECTORS)
    assert (ending.usage.input, ending.usage.output, delta.served_model) == (7, 0, "m")
    assert ending.envelope["extra"] == orjson.loads(FIELDS[b'"extra"'])


def test_digits_are_those_of_the_model():
    _, ending = read(b'{"data":' + VECTORS + b',"usage":' + USAGE + b"}")
    assert ending.envelope["data"] == VECTORS


@pytest.mark.parametrize("usage", [b"null", b'{"prompt_tokens":7,"completion_tokens":null}'])
def test_a_silent_usage_is_unknown_or_its_input_alone(usage):
    _, ending = read(b'{"data":' + VECTORS + b',"usage":' + usage + b"}")
    assert (ending.usage and (ending.usage.input, ending.usage.output)) in (None, (7, 0))


@pytest.mark.parametrize(
    "data",
    [
        b'{"data":[]}',
        b'{"data":{}}',
        b'{"object":"list"}',
        b'{"data":' + VECTORS,
        b'{"data":[{"index":0,"embedding":[1]}]}',
        b"[]",
        b"",
        b'{"error":{"message":"down"}}',
        b'{"data":[],"error":{"message":"down"}}',
    ],
)
def test_what_has_not_a_vector_a_text_is_an_upstream_that_failed(data):
    with pytest.raises(Broken):
        read(data)


def test_an_answer_without_end_is_broken_off():
    decoder = EmbeddingsWire(max_answer=10).decoder(replace(request(), turns=TEXTS), stream=False)
    with pytest.raises(Broken, match="too large"):
        decoder.feed(VECTORS)
