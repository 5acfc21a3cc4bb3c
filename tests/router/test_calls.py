"""Tool calls are kept until they are whole."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from router.calls import Extent, HeldCalls
from router.types import Delta, ToolCall


def piece(text, index=0, **fields):
    return Delta(tool_calls=(ToolCall(index=index, arguments=text),), **fields)


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text())), st.lists(st.integers(1, 9)))
def test_the_end_of_an_object_is_found_at_its_last_character_however_it_is_cut(value, cuts):
    text, extent, parts = orjson.dumps(value).decode(), Extent(), []
    for cut in cuts:
        parts.append(text[:cut])
        text = text[cut:]
    parts = [part for part in [*parts, text] if part]
    assert [extent.closed_by(part) for part in parts] == [False] * (len(parts) - 1) + [True]


def test_a_call_is_let_pass_when_it_is_whole_and_text_at_once():
    calls = HeldCalls()
    assert calls.take((piece('{"a": "}'), Delta(text="meanwhile"))) == [Delta(text="meanwhile")]
    assert [d.tool_calls[0].arguments for d in calls.take((piece('"}'),))] == ['{"a": "}', '"}']


def test_a_call_without_arguments_is_whole_when_its_choice_is_over():
    calls, over = HeldCalls(), Delta(finish_reason="tool_calls")
    assert calls.take((piece(""),)) == []
    assert calls.take((over,)) == [piece(""), over]


def test_half_a_call_is_never_let_pass():
    calls, over = HeldCalls(), Delta(finish_reason="length")
    assert calls.take((piece('{"a": '), over)) == [over]
    assert calls.broken


def test_what_follows_a_whole_call_breaks_it():
    calls = HeldCalls()
    calls.take((piece("{}"), piece(" \n")))
    assert not calls.broken
    calls.take((piece("{}"),))
    assert calls.broken


def test_calls_that_come_side_by_side_are_told_apart():
    calls = HeldCalls()
    shown = calls.take((piece('{"a"', 0), piece("{", 1), piece(":1}", 0), piece("}", 1)))
    assert [(d.tool_calls[0].index, d.tool_calls[0].arguments) for d in shown] == [
        (0, '{"a"'),
        (0, ":1}"),
        (1, "{"),
        (1, "}"),
    ]


def test_what_is_left_at_the_end_is_given_or_is_broken():
    calls = HeldCalls()
    calls.take((piece("[1", 0), piece("", 1)))
    assert calls.rest() == [piece("", 1)]
    assert calls.broken
