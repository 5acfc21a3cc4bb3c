"""Tools, streamed and not, as openai-python's users call them."""

import json
from typing import Any

import openai
from pydantic import BaseModel

from tests.end_to_end.dropin.runner import World, asking


class Weather(BaseModel):
    """The arguments of a tool, as the parse helpers take them."""

    city: str
    days: int


CLOCK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "clock",
        "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}},
    },
}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {"name": "weather", "parameters": Weather.model_json_schema()},
}
BOTH = [WEATHER, CLOCK]


def left_to_choose_a_model_may_just_talk(world: World) -> None:
    choice = world.client().chat.completions.create(**asking(model="auto", tools=BOTH)).choices[0]

    assert (choice.finish_reason, choice.message.tool_calls) == ("stop", None)


def left_to_choose_a_model_may_call(world: World) -> None:
    choice = (
        world.client().chat.completions.create(**asking("The weather?", model="auto", tools=BOTH)).choices[0]
    )

    (call,) = choice.message.tool_calls
    assert (choice.finish_reason, choice.message.content, call.type) == ("tool_calls", None, "function")
    assert (call.id, call.function.name) == ("call_0", "weather")
    assert json.loads(call.function.arguments) == {"city": "text", "days": 7}


def a_call_can_be_required(world: World) -> None:
    answer = world.client().chat.completions.create(
        **asking(model="auto", tools=BOTH, tool_choice="required")
    )

    assert answer.choices[0].message.tool_calls[0].function.name == "weather"
    assert world.received("small")[0]["body"]["tool_choice"] == "required"


def a_tool_can_be_named(world: World) -> None:
    named = {"type": "function", "function": {"name": "clock"}}
    answer = world.client().chat.completions.create(**asking(model="auto", tools=BOTH, tool_choice=named))

    assert [call.function.name for call in answer.choices[0].message.tool_calls] == ["clock"]


def tools_can_be_forbidden(world: World) -> None:
    answer = world.client().chat.completions.create(
        **asking("The weather?", model="auto", tools=BOTH, tool_choice="none")
    )

    assert answer.choices[0].message.tool_calls is None


def several_calls_come_at_once(world: World) -> None:
    answer = world.client().chat.completions.create(**asking("weather and clock", model="auto", tools=BOTH))

    calls = answer.choices[0].message.tool_calls
    assert [(call.id, call.function.name) for call in calls] == [("call_0", "weather"), ("call_1", "clock")]


def parallel_calls_can_be_forbidden(world: World) -> None:
    answer = world.client().chat.completions.create(
        **asking("weather and clock", model="auto", tools=BOTH, parallel_tool_calls=False)
    )

    assert len(answer.choices[0].message.tool_calls) == 1


def the_result_of_a_tool_goes_on_to_an_answer(world: World) -> None:
    client = world.client()
    first = (
        client.chat.completions.create(**asking("The weather?", model="auto", tools=BOTH)).choices[0].message
    )
    messages = [
        {"role": "user", "content": "The weather?"},
        first.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "It is sunny."},
    ]
    second = client.chat.completions.create(model="auto", messages=messages, tools=BOTH)

    assert second.choices[0].message.content == "small answers: It is sunny."


def the_parse_helper_reads_arguments_into_a_pydantic_model(world: World) -> None:
    tools = [openai.pydantic_function_tool(Weather, name="weather")]
    answer = world.client().chat.completions.parse(
        **asking("The weather?", model="auto", tools=tools, tool_choice="required")
    )

    assert answer.choices[0].message.tool_calls[0].function.parsed_arguments == Weather(city="text", days=7)


def old_style_functions_are_passed_on(world: World) -> None:
    functions = [{"name": "weather", "parameters": Weather.model_json_schema()}]
    world.client().chat.completions.create(**asking(functions=functions, function_call="auto"))

    assert world.received("small")[0]["body"]["functions"] == functions


def a_streamed_call_comes_in_fragments_that_join(world: World) -> None:
    stream = world.client().chat.completions.create(
        **asking(model="auto", tools=BOTH, tool_choice="required", stream=True)
    )
    deltas = [call for chunk in stream for c in chunk.choices for call in c.delta.tool_calls or []]

    assert (deltas[0].id, deltas[0].function.name, deltas[0].type) == ("call_0", "weather", "function")
    assert json.loads("".join(d.function.arguments or "" for d in deltas)) == {"city": "text", "days": 7}


def streamed_parallel_calls_keep_their_indexes(world: World) -> None:
    stream = world.client().chat.completions.create(
        **asking("weather and clock", model="auto", tools=BOTH, stream=True)
    )
    joined: dict[int, str] = {}
    for chunk in stream:
        for call in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            joined[call.index] = joined.get(call.index, "") + (call.function.arguments or "")

    assert [json.loads(joined[index]) for index in sorted(joined)] == [
        {"city": "text", "days": 7},
        {"zone": "text"},
    ]


def the_stream_helper_gives_whole_calls(world: World) -> None:
    tools = [openai.pydantic_function_tool(Weather, name="weather")]
    asked = asking(model="auto", tools=tools, tool_choice="required")
    with world.client().chat.completions.stream(**asked) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion()

    assert [event.name for event in done] == ["weather"]
    assert done[0].parsed_arguments == Weather(city="text", days=7)
    assert final.choices[0].message.tool_calls[0].function.parsed_arguments == Weather(city="text", days=7)


def a_call_with_bad_arguments_goes_to_the_next_model(world: World) -> None:
    world.script("small", {"tool_calls": [["weather", '{"city": "Be']]})
    answer = world.client().chat.completions.create(**asking("The weather?", model="auto", tools=BOTH))

    assert answer.model == "large"
    assert json.loads(answer.choices[0].message.tool_calls[0].function.arguments) == {
        "city": "text",
        "days": 7,
    }


def a_streamed_call_with_bad_arguments_is_never_seen(world: World) -> None:
    world.script("small", {"tool_calls": [["weather", '{"city": "Be']]})
    stream = world.client().chat.completions.create(
        **asking("The weather?", model="auto", tools=BOTH, stream=True)
    )
    deltas = [call for chunk in stream for c in chunk.choices for call in c.delta.tool_calls or []]

    assert json.loads("".join(d.function.arguments or "" for d in deltas)) == {"city": "text", "days": 7}
