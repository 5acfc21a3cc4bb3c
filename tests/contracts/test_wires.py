"""What every wire keeps to: bytes may come in any pieces, and may be anything."""

from collections.abc import Sequence

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects import WIRES
from router.errors import UpstreamError
from router.seams import Decoder, Wire
from router.types import Delta, Ending
from tests.support.odd_json import odd_json
from tests.support.world import model, request

LIMIT = 1 << 20

each_wire = pytest.mark.parametrize("name", WIRES)
streamed_or_not = pytest.mark.parametrize("stream", [True, False])


def chunk(**choice) -> dict:
    return {"id": "x", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": None, **choice}]}


def tool(**call) -> dict:
    return chunk(delta={"tool_calls": [{"index": 0, **call}]})


CHUNKS = [
    chunk(delta={"role": "assistant", "content": ""}),
    chunk(delta={"content": "\u00c4pfel \U0001f34e\r\n\r\ndata: [DONE]"}),
    chunk(delta={"content": None, "reasoning_content": "Hm."}),
    chunk(delta={"refusal": "No."}),
    tool(id="c", type="function", function={"name": "f", "arguments": ""}),
    tool(function={"arguments": '{"a": 1}'}),
    chunk(delta={"content": "x"}, logprobs={"content": [{"token": "x", "logprob": -0.1}]}),
    chunk(index=1, delta={"content": "y"}, finish_reason="length"),
    chunk(finish_reason="stop"),
    {"id": "x", "model": "m", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
    {"id": "x", "model": "m", "choices": [{"index": 0, "text": " goes on", "finish_reason": None}]},
    {"id": "x", "model": "m", "choices": [{"index": 1, "text": "", "finish_reason": "stop", "logprobs": {}}]},
    {"model": "m", "data": [{"index": 0, "embedding": [0.1, -2e-5]}], "usage": {"prompt_tokens": 7}},
    {"error": {"message": "overloaded", "code": 529}},
    {"choices": None},
    {},
]
"""Things that upstreams say in a stream; in most orders they make no sense."""

LINE_ENDS = [b"\n", b"\r\n", b"\r"]
NOISE = [b": ping", b"event: message", b"id: 7", b"retry: 10", b"data", b"zork"]


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A stream of chunks with comments between them, in one of the three line ends."""
    end = draw(st.sampled_from(LINE_ENDS))
    lines: list[bytes] = []
    for said in draw(st.lists(st.sampled_from(CHUNKS), max_size=6)):
        lines += draw(st.lists(st.sampled_from(NOISE), max_size=2))
        lines += [b"data: " + orjson.dumps(said), b""]
    return end.join([*lines, b"data: [DONE]", b"", b""][: draw(st.integers(len(lines), len(lines) + 3))])


@st.composite
def pieces(draw: st.DrawFn, data: st.SearchStrategy[bytes]) -> Sequence[bytes]:
    whole = draw(data)
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    return [whole[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


def read(decoder: Decoder, parts: Sequence[bytes]) -> tuple[list[Delta], Ending | type[UpstreamError]]:
    """Give what a decoder makes of the parts: the good deltas, and the ending or the kind of error."""
    deltas: list[Delta] = []
    ending: Ending | type[UpstreamError]
    try:
        for part in parts:
            deltas.extend(decoder.feed(part))
        last, ending = decoder.end()
        deltas += last
    except UpstreamError as error:
        ending = type(error)
    assert isinstance(ending, Ending | type)
    assert all(isinstance(delta, Delta) for delta in deltas)
    return deltas, ending


@each_wire
@given(parts=pieces(streams()))
def test_any_split_of_a_stream_gives_the_same(name: str, parts: Sequence[bytes]):
    wire: Wire = WIRES[name]()
    assert read(wire.decoder(request(), stream=True), parts) == read(
        wire.decoder(request(), stream=True), [b"".join(parts)]
    )


@each_wire
@given(parts=pieces(st.sampled_from([orjson.dumps(said) for said in CHUNKS])))
def test_any_split_of_a_whole_answer_gives_the_same(name: str, parts: Sequence[bytes]):
    wire: Wire = WIRES[name]()
    assert read(wire.decoder(request(), stream=False), parts) == read(
        wire.decoder(request(), stream=False), [b"".join(parts)]
    )


JSON = odd_json(
    "choices message delta content refusal role tool_calls index id type function name arguments "
    "finish_reason logprobs usage prompt_tokens completion_tokens prompt_tokens_details cached_tokens "
    "error code model text data embedding"
)


@each_wire
@streamed_or_not
@given(said=JSON)
def test_whatever_json_an_upstream_says_is_a_reply_or_its_error(name: str, stream: bool, said: object):
    body = orjson.dumps(said)
    wire = WIRES[name]()
    read(wire.decoder(request(), stream=stream), [b"data: " + body + b"\n\n" if stream else body])


@each_wire
@streamed_or_not
@given(data=st.binary(max_size=300))
def test_whatever_bytes_an_upstream_sends_are_a_reply_or_its_error(name: str, stream: bool, data: bytes):
    read(WIRES[name]().decoder(request(), stream=stream), [data])


@each_wire
@given(status=st.integers(300, 599), body=st.binary(max_size=100) | JSON.map(orjson.dumps))
def test_every_other_status_is_an_upstream_error(name: str, status: int, body: bytes):
    error = WIRES[name]().failure(status, body, retry_after=None)
    assert isinstance(error, UpstreamError)
    assert error.message
    assert error.status == status


@each_wire
@streamed_or_not
def test_an_upstream_is_asked_for_its_own_name_of_the_model(name: str, stream: bool):
    asked = request(stream=stream, body={"model": "auto", "messages": [], "zork": 1, "stream": stream})
    sent = orjson.loads(WIRES[name]().encode(asked, model("ours", upstream_name="theirs")))
    assert sent["model"] == "theirs"
    assert sent["zork"] == 1, "what nobody here knows is passed on"
