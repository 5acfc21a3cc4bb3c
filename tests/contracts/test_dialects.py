"""What every dialect keeps to: any body is a request or the caller's error, and any reply can be written."""

from collections.abc import Iterator

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects import DIALECTS
from router.errors import Broken, CallerError, NoCandidate, Refusal
from router.seams import Dialect, Renderer, Writer
from router.types import Choice, Delta, Ending, Endpoint, Principal, Reply, Request, ToolCall, Usage
from tests.support.odd_json import odd_json

CREATED = 1_790_000_000
CALL = ToolCall(id="c", name="f", arguments='{"a": 1}', extra={"zork": 1})
USAGE = Usage(input=7, output=3, cached=2, reasoning=1)

MINIMAL = {
    "chat": {"model": "auto", "messages": [{"role": "user", "content": "Hi"}]},
    "messages": {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    "responses": {"model": "auto", "input": "Hi"},
    "completions": {"model": "auto", "prompt": "Hi"},
    "embeddings": {"model": "auto", "input": "Hi"},
}
"""The least that a request in each dialect says."""

each_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())
STREAMING = [one for one in DIALECTS.values() if one.name != "embeddings"]
each_that_streams = pytest.mark.parametrize("dialect", STREAMING, ids=[one.name for one in STREAMING])

WORDS = (
    "model messages role content type text image_url stream stream_options include_usage n max_tokens "
    "max_completion_tokens tools function name parameters response_format json_schema schema logprobs "
    "input prompt user auto echo best_of dimensions encoding_format"
)
JSON = odd_json(WORDS)


def parsed(dialect: Dialect, body: bytes) -> Request | None:
    try:
        return dialect.parse(body, request_id="r1", principal=Principal())
    except CallerError:
        return None


def minimal(dialect: Dialect, **options) -> Request:
    body = orjson.dumps({**MINIMAL[dialect.name], **options})
    return dialect.parse(body, request_id="r1", principal=Principal(key="k"))


def rendered(dialect: Dialect, **options) -> Renderer:
    return dialect.renderer(minimal(dialect, **options), created=CREATED)


def events(data: bytes) -> list[dict]:
    """Give the JSON of every event; comments and the end mark are left out."""
    lines = [line[5:].strip() for line in data.split(b"\n") if line.startswith(b"data:")]
    return [orjson.loads(line) for line in lines if line != b"[DONE]"]


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


@each_dialect
def test_it_stands_in_the_table_under_its_own_name(dialect: Dialect):
    assert DIALECTS[dialect.name] is dialect


@each_dialect
def test_the_least_request_is_understood(dialect: Dialect):
    request = minimal(dialect)
    assert (request.id, request.asked, request.dialect) == ("r1", "auto", dialect.name)
    assert request.principal.key == "k"
    assert not request.stream
    assert [turn.text for turn in request.turns] == ["Hi"]


@each_dialect
def test_it_has_a_path_and_an_endpoint_of_its_own(dialect: Dialect):
    others = [one for one in DIALECTS.values() if one is not dialect]
    assert dialect.path not in {one.path for one in others}
    assert dialect.path.startswith("/")
    assert Endpoint(minimal(dialect).endpoint)


def test_a_dialect_that_cannot_stream_refuses_to():
    streamed = {name: orjson.dumps({**MINIMAL[name], "stream": True}) for name in DIALECTS}
    refused = [name for name, one in DIALECTS.items() if parsed(one, streamed[name]) is None]
    assert refused == ["embeddings"]


@each_dialect
def test_what_is_taken_can_be_written_again_however_deep_it_is(dialect: Dialect):
    least = orjson.dumps(MINIMAL[dialect.name])
    deep = {
        levels: parsed(dialect, least[:-1] + b',"x":' + b"[" * levels + b"]" * levels + b"}")
        for levels in (100, 240, 248, 249, 250, 251, 252, 253, 254, 1000)
    }

    assert all(orjson.dumps({"on its way": [taken.body]}) for taken in deep.values() if taken is not None)
    assert deep[100] is not None
    assert deep[1000] is None


@each_dialect
@given(body=st.binary(max_size=200))
def test_any_bytes_are_a_request_or_the_callers_error(dialect: Dialect, body: bytes):
    parsed(dialect, body)


@each_dialect
@given(changes=st.dictionaries(st.sampled_from(WORDS.split()), JSON, max_size=4), said=JSON)
def test_any_json_is_a_request_or_the_callers_error(dialect: Dialect, changes: dict, said: object):
    parsed(dialect, orjson.dumps(said))
    request = parsed(dialect, orjson.dumps({**MINIMAL[dialect.name], **changes}))
    if request is not None:
        dialect.renderer(request, created=CREATED)
        assert isinstance(request.stream, bool)
        assert request.limits.choices >= 1


DELTAS = st.builds(
    Delta,
    choice=st.integers(0, 2),
    role=st.none() | st.just("assistant"),
    text=st.text(max_size=20),
    refusal=st.sampled_from(["", "No."]),
    tool_calls=st.sampled_from([(), (CALL,), (ToolCall(index=1, arguments="{"),)]),
    finish_reason=st.sampled_from([None, None, "stop", "length", "tool_calls", "zork"]),
    extra=st.sampled_from([{}, {"reasoning_content": "Hm."}]),
    envelope=st.sampled_from([{}, {"system_fingerprint": "fp"}]),
)


@each_that_streams
@given(deltas=st.lists(DELTAS, max_size=8), usage=st.sampled_from([None, USAGE, Usage()]))
def test_any_stream_can_be_written(dialect: Dialect, deltas: list[Delta], usage: Usage | None):
    renderer = rendered(dialect, stream=True)
    data = b"".join(renderer.chunk(delta, "m") for delta in deltas)
    data += renderer.keepalive()
    data += renderer.ending(Ending(usage=usage), "m", {"model": "m", "cost_usd": "0.1"})
    assert data.endswith(b"\n\n")
    assert {delta.text for delta in deltas} - {""} <= set(texts(events(data)))


@each_dialect
@given(deltas=st.lists(DELTAS, max_size=3), usage=st.sampled_from([None, USAGE]))
def test_any_reply_can_be_written_whole(dialect: Dialect, deltas: list[Delta], usage: Usage | None):
    choices = tuple(
        Choice(
            index=i, text=d.text, refusal=d.refusal, tool_calls=d.tool_calls, finish_reason=d.finish_reason
        )
        for i, d in enumerate(deltas)
    )
    writer: Writer = dialect.renderer(minimal(dialect), created=CREATED)
    written = orjson.loads(writer.whole(Reply(choices=choices, usage=usage), "m", {}))
    assert written["model"] == "m"


@each_dialect
@pytest.mark.parametrize(
    "error",
    [Broken(), NoCandidate({"m": Refusal(rule="within_cost", reason="too dear")}), ValueError("zork")],
)
def test_any_error_can_be_told(dialect: Dialect, error: Exception):
    assert orjson.loads(dialect.error(502, error))


@each_that_streams
def test_any_error_can_be_told_within_a_stream(dialect: Dialect):
    assert events(rendered(dialect, stream=True).failure(502, Broken()))


@each_that_streams
def test_a_keepalive_says_nothing(dialect: Dialect):
    assert events(rendered(dialect, stream=True).keepalive()) == []
