"""Pieces become a reply."""

from router.draft import assemble
from router.types import Delta, Ending, ToolCall, Usage


def test_pieces_of_several_choices_are_told_apart():
    deltas = [Delta(choice=1, text="b"), Delta(text="a"), Delta(choice=1, text="B", finish_reason="stop")]
    first, second = assemble(deltas, None).choices
    assert (first.text, first.finish_reason, second.text, second.finish_reason) == ("a", None, "bB", "stop")


def test_a_tool_call_is_joined_by_its_index():
    deltas = [
        Delta(
            tool_calls=(
                ToolCall(index=0, id="x", name="f", arguments="{"),
                ToolCall(index=1, id="y", name="g"),
            )
        ),
        Delta(tool_calls=(ToolCall(index=1, arguments="{}"), ToolCall(index=0, arguments="}"))),
    ]
    calls = assemble(deltas, Ending()).choices[0].tool_calls
    assert [(call.id, call.name, call.arguments) for call in calls] == [("x", "f", "{}"), ("y", "g", "{}")]


def test_fields_nobody_knows_grow_too():
    deltas = [
        Delta(extra={"reasoning_content": "h", "n": 1}, logprobs={"content": [1]}),
        Delta(extra={"reasoning_content": "m", "n": 2}, logprobs={"content": [2]}),
    ]
    (choice,) = assemble(deltas, None).choices
    assert (choice.extra, choice.logprobs) == ({"reasoning_content": "hm", "n": 2}, {"content": [1, 2]})


def test_only_an_ending_makes_it_complete():
    usage = Usage(input=1, output=1)
    assert not assemble([Delta(text="a")], None).complete
    whole = assemble(
        [Delta(text="a", served_model="m", envelope={"a": 1})], Ending(usage=usage, envelope={"b": 2})
    )
    assert (whole.complete, whole.usage, whole.served_model, whole.envelope) == (
        True,
        usage,
        "m",
        {"a": 1, "b": 2},
    )
