"""What a conversation says of how it goes."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects import DIALECTS
from router.types import Principal

USER = {"role": "user", "content": "fix the tests"}


def call(name="run", arguments='{"cmd":"pytest"}', name_of="c1"):
    function = {"name": name, "arguments": arguments}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": name_of, "type": "function", "function": function}],
    }


def result(text, of="c1"):
    return {"role": "tool", "tool_call_id": of, "content": text}


ANYONE = Principal()


def signals(*messages, principal=ANYONE):
    body = orjson.dumps({"model": "auto", "messages": list(messages)})
    return DIALECTS["chat"].parse(body, request_id="r", principal=principal).signals


def test_failing_tool_results_at_the_end_are_counted():
    failed = result("Traceback (most recent call last):\n  boom")
    assert signals(USER, call(), failed).trouble is None
    assert (
        signals(USER, call(), failed, call(arguments="{}"), failed).trouble
        == "2 tool results in a row failed"
    )
    assert signals(USER, call(), failed, call(arguments="{}"), result("ok")).failed_tools == 0


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("error: no such file", 1),
        ("Command exited with code 2", 1),
        ('{"error": "not found"}', 1),
        ("==== 2 failed, 3 passed in 0.1s ====", 1),
        ("<tool_use_error>InputValidationError</tool_use_error>", 1),
        ("exit code: 0", 0),
        ('{"error": null, "rows": []}', 0),
        ("it explains how an error is handled", 0),
        ("==== 30 passed in 0.1s ====", 0),
        ("", 0),
    ],
)
def test_a_result_says_plainly_that_it_failed(text, failed):
    assert signals(USER, call(), result(text)).failed_tools == failed


def test_a_call_that_its_tool_refused_is_named():
    told = signals(USER, call(name_of="c7"), result("InputValidationError: missing cmd", of="c7"))
    assert told.refused_calls == ("c7",)


def test_the_same_call_for_the_third_time_is_trouble():
    turns = [call(), result("waiting")]
    assert signals(USER, *turns, *turns).trouble is None
    assert signals(USER, *turns, *turns, *turns).trouble == "the same call was made again"
    assert signals(USER, *turns, *turns, *turns, USER | {"content": "go on"}).repeated_calls == 0


def test_the_same_call_after_it_failed_is_trouble_at_once():
    turns = [call(), result("error: no")]
    assert signals(USER, *turns, *turns).trouble == "the same call was made again"


def test_a_question_put_again_is_trouble():
    answered = {"role": "assistant", "content": "done"}
    assert signals(USER, answered, USER).trouble == "the user asked again"
    assert signals(USER, answered, USER | {"content": "thanks"}).trouble is None


def test_conversations_are_told_apart_by_how_they_begin_or_by_their_name():
    other = USER | {"content": "something else"}
    answer = {"role": "assistant", "content": "x"}
    assert signals(USER).conversation == signals(USER, answer, other).conversation
    assert signals(USER).conversation != signals(other).conversation
    assert signals(USER).conversation != signals(USER, principal=Principal(key="alice")).conversation
    named = Principal(session="s")
    assert signals(USER, principal=named).conversation == signals(other, principal=named).conversation


def test_a_clients_nonce_does_not_part_a_conversation():
    def begun(nonce):
        return {"role": "system", "content": f"x-anthropic-billing-header: cch={nonce}\nYou are an agent."}

    assert signals(begun(1), USER).conversation == signals(begun(2), USER).conversation


odd = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=5), lambda x: st.lists(x, max_size=3)
)


@given(st.lists(st.tuples(st.sampled_from(["assistant", "tool", "user"]), odd, odd), min_size=1, max_size=6))
def test_odd_messages_never_fail(parts):
    messages = [
        {"role": role, "content": "error: x", "tool_calls": calls, "tool_call_id": of}
        for role, calls, of in parts
    ]
    assert signals(*messages).conversation
