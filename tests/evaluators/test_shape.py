"""Does the reply have the form that was asked for?"""

import time

import pytest

from evaluators.shape import Shape
from router.types import AnswerForm, Choice, Limits, Reply, Tool, ToolCall
from tests.support.world import request

PERSON = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


async def reason(choice, **asked):
    verdict = await Shape().judge(request(**asked), Reply(choices=(choice,)), None)
    return None if verdict.passed else verdict.reason


@pytest.mark.parametrize(
    ("choice", "asked", "said"),
    [
        (Choice(text="hello", finish_reason="stop"), {}, None),
        (Choice(text="", finish_reason="stop"), {}, "empty"),
        (Choice(text=" \n", finish_reason="stop"), {}, "empty"),
        (Choice(text="hel", finish_reason="length"), {}, "cut off by length"),
        (Choice(text="hel", finish_reason="length"), {"limits": Limits(output_tokens=3)}, None),
        (Choice(text='{"age": 7}'), {"answer": AnswerForm(schema=PERSON)}, None),
        (Choice(text='{"age": "7"}'), {"answer": AnswerForm(schema=PERSON)}, "JSON against the schema"),
        (Choice(text="age: 7"), {"answer": AnswerForm(schema=PERSON)}, "invalid JSON"),
        (Choice(text="[]"), {"answer": AnswerForm()}, "invalid JSON: not an object"),
        (
            Choice(tool_calls=(ToolCall(name="f", arguments='{"age": 7}'),)),
            {"tools": (Tool(name="f", parameters=PERSON),)},
            None,
        ),
        (
            Choice(tool_calls=(ToolCall(name="f", arguments="{}"),)),
            {"tools": (Tool(name="f", parameters=PERSON),)},
            "tool arguments against the schema",
        ),
        (
            Choice(tool_calls=(ToolCall(name="f", arguments="{"),)),
            {"tools": (Tool(name="f", parameters=PERSON),)},
            "invalid tool arguments",
        ),
        (Choice(tool_calls=(ToolCall(name="g"),)), {"tools": (Tool(name="f"),)}, "unknown tool"),
        (Choice(refusal="no"), {}, None),
    ],
)
async def test_the_form_is_judged(choice, asked, said):
    assert await reason(choice, **asked) == said


async def test_a_growing_reply_cannot_be_judged():
    assert await Shape().judge(request(), Reply(choices=(), complete=False), None) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "#/nowhere"},
        {"type": 7},
        {"properties": 7},
        {"$ref": "#"},
    ],
)
async def test_a_schema_that_cannot_be_applied_condemns_nothing(schema):
    assert await reason(Choice(text='{"a": 1}'), answer=AnswerForm(schema=schema)) is None


async def test_a_callers_pattern_cannot_block_the_loop():
    schema = {"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    began = time.perf_counter()
    await reason(Choice(text='{"a": "' + "a" * 40 + '!"}'), answer=AnswerForm(schema=schema))
    assert time.perf_counter() - began < 0.5
