"""A caller's body becomes a request, or an error that names the field."""

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.chat import ChatDialect
from router.errors import BadRequest
from router.types import Capability, Principal


def parse(**fields):
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], **fields}
    return ChatDialect().parse(orjson.dumps(body), request_id="r", principal=Principal())


def test_a_conversation_is_read():
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:"}}]
    request = parse(messages=[{"role": "system", "content": "be brief"}, {"role": "user", "content": parts}])
    assert [(turn.role, turn.text) for turn in request.turns] == [("system", "be brief"), ("user", "look\n")]
    assert request.needs == {Capability.VISION}


def test_what_is_needed_is_noted():
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    request = parse(
        tools=[tool], response_format=schema, logprobs=True, n=2, max_completion_tokens=5, stream=True
    )
    assert request.needs == {Capability.TOOLS, Capability.JSON_SCHEMA, Capability.LOGPROBS}
    assert (request.limits.choices, request.limits.output_tokens, request.stream) == (2, 5, True)
    assert request.tools[0].name == "f"
    assert request.answer.schema == {"type": "object"}


def test_a_tool_of_another_type_is_passed_on():
    assert parse(tools=[{"type": "web_search"}]).tools == ()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [7]}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]}, "messages[0].content"),
        ({"model": None}, "model"),
        ({"model": 7}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"n": 0}, "n"),
        ({"n": 1.5}, "n"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": 7}}]}, "tools"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"stream_options": 7}, "stream_options"),
    ],
)
def test_a_wrong_field_is_named(fields, param):
    with pytest.raises(BadRequest) as caught:
        parse(**fields)
    assert caught.value.param == param


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"null", b'{"a": NaN}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(BadRequest):
        ChatDialect().parse(body, request_id="r", principal=Principal())


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["model", "messages", "stream", "tools", "functions", "response_format", "n", "logprobs"]
        ),
        json,
    )
)
def test_no_body_is_answered_with_anything_but_a_bad_request(fields):
    with suppress(BadRequest):
        parse(**fields)
