"""The shipped double: what it says, how it fails, and that it always does the same."""

from dataclasses import replace

import orjson
import pytest

from evaluators.shape import Shape
from router.draft import assemble
from router.errors import Broken, RateLimited, Truncated
from router.seams import Upstream
from router.types import AnswerForm, Ending, Grade, Limits, Reply, Request, Tool, Turn
from router.upstreams.simulated import Simulated, rough_count
from router.upstreams.simulated_replies import REFUSAL, Persona, chance
from router.upstreams.simulated_tasks import Call, Task
from tests.support.world import items_of, model, request

ABLE, HOPELESS = Persona(ability=30), Persona(ability=-30)
SUM = {"what is 2 + 2?": Task(difficulty=0, answer="2 + 2 is 4", wrong=("2 + 2 is 22",))}
WEATHER = Tool(
    name="weather",
    parameters={"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
)
POINT = {
    "type": "object",
    "required": ["x", "y"],
    "properties": {"x": {"type": "integer"}, "y": {"type": "number"}},
}


async def never_asked(_model: str, _request: Request) -> Reply:
    raise AssertionError


async def reply_of(upstream: Upstream, asked: Request, name: str = "m") -> Reply:
    items = await items_of(upstream.send(asked, model(name)))
    *deltas, ending = items
    assert isinstance(ending, Ending)
    return assemble(deltas, ending)


def simulated(persona: Persona = ABLE, **settings) -> Simulated:
    return Simulated(personas={"m": persona}, **settings)


async def test_a_known_prompt_is_answered_rightly_by_an_able_model():
    reply = await reply_of(simulated(tasks=SUM), request("What is  2 + 2?"))
    assert reply.text == "2 + 2 is 4"
    assert reply.choices[0].finish_reason == "stop"


async def test_a_wrong_answer_shows_no_sign_unless_the_persona_says_so():
    reply = await reply_of(simulated(HOPELESS, tasks=SUM), request())
    assert (reply.text, reply.choices[0].finish_reason) == ("2 + 2 is 22", "stop")


async def test_an_unknown_prompt_is_answered_with_a_confession():
    reply = await reply_of(simulated(), request("Who are you?"))
    assert "simulated answer from m" in reply.text


@pytest.mark.parametrize(
    ("rate", "text", "finish"),
    [("refusal_rate", REFUSAL, "stop"), ("empty_rate", "", "stop"), ("cut_rate", "2 +", "length")],
)
async def test_a_wrong_answer_can_fail_visibly(rate, text, finish):
    persona = replace(HOPELESS, **{rate: 1.0})
    choice = (await reply_of(simulated(persona, tasks=SUM), request())).choices[0]
    assert choice.text.startswith(text)
    assert choice.text != "2 + 2 is 4"
    assert choice.finish_reason == finish


async def test_a_malformed_text_runs_in_a_loop():
    reply = await reply_of(simulated(replace(HOPELESS, malformed_rate=1.0), tasks=SUM), request())
    assert reply.text.count("2 + 2") > 9


@pytest.mark.parametrize("seed", range(4))
async def test_malformed_json_is_caught_by_the_check_of_shape(seed):
    asked = request("A point, please", answer=AnswerForm(schema=POINT))
    reply = await reply_of(simulated(replace(HOPELESS, malformed_rate=1.0), seed=seed), asked)
    verdict = await Shape().judge(asked, reply, never_asked)
    assert verdict is not None
    assert not verdict.passed


async def test_a_schema_is_honoured_and_so_is_any_object():
    upstream = simulated()
    point = await reply_of(upstream, request("A point", answer=AnswerForm(schema=POINT)))
    anything = await reply_of(upstream, request("An object", answer=AnswerForm()))
    assert orjson.loads(point.text) == {"x": 1, "y": 1}
    assert orjson.loads(anything.text) == {"simulated": True}


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_is_called_where_it_must_be(choice, stream):
    asked = request(stream=stream, tools=(WEATHER,))
    asked = replace(asked, body={**asked.body, "tool_choice": choice})
    (chosen,) = (await reply_of(simulated(), asked)).choices
    (call,) = chosen.tool_calls
    assert (call.name, orjson.loads(call.arguments)) == ("weather", {"city": "simulated"})
    assert call.id
    assert chosen.finish_reason == "tool_calls"


async def test_a_tool_is_not_called_where_it_need_not_be():
    reply = await reply_of(simulated(), request("Hello", tools=(WEATHER,)))
    assert reply.choices[0].tool_calls == ()


@pytest.mark.parametrize("rate", ["malformed_rate", "cut_rate"])
async def test_a_call_can_be_broken(rate):
    tasks = {
        "weather?": Task(
            difficulty=0, answer=Call(name="weather", arguments={"city": "Turku", "day": "today"})
        )
    }
    persona = replace(HOPELESS, **{rate: 1.0})
    reply = await reply_of(simulated(persona, tasks=tasks), request("Weather?", tools=(WEATHER,)))
    (call,) = reply.choices[0].tool_calls
    assert call.arguments != '{"city":"Turku","day":"today"}'


async def test_a_tool_that_has_answered_is_not_called_again():
    tasks = {"weather?": Task(difficulty=0, answer=Call(name="weather", arguments={"city": "Turku"}))}
    asked = replace(
        request("Weather?"), turns=(Turn(role="user", text="Weather?"), Turn(role="tool", text="Rain"))
    )
    reply = await reply_of(simulated(tasks=tasks), asked)
    assert reply.choices[0].tool_calls == ()
    assert reply.text


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("The total is 41", ("The total is 42", "The total is 43", "The total is 51")),
        ("It weighs 3.50", ("It weighs 4.50", "It weighs 5.50", "It weighs 13.50")),
        ('{"a":1,"b":"x"}', ('{"a":2,"b":"x"}',)),
        ('{"ok":true,"b":"x"}', ('{"ok":false,"b":"x"}',)),
        ('{"b":"x"}', ('{"b":"x (or similar)"}',)),
        ('{"b":[]}', ("{}",)),
        ("Yes", ("It depends, but most likely the opposite.",)),
    ],
)
async def test_a_task_without_wrong_answers_gets_one(answer, wrong):
    tasks = {"what is 2 + 2?": Task(difficulty=0, answer=answer)}
    assert (await reply_of(simulated(HOPELESS, tasks=tasks), request())).text in wrong


async def test_a_call_without_wrong_answers_gets_other_arguments():
    tasks = {"what is 2 + 2?": Task(difficulty=0, answer=Call(name="add", arguments={"a": 2, "b": 2}))}
    (call,) = (await reply_of(simulated(HOPELESS, tasks=tasks), request())).choices[0].tool_calls
    assert orjson.loads(call.arguments) == {"a": 2, "b": 3}


async def test_the_chance_of_a_right_answer_is_the_chance_that_was_set():
    persona = Persona(ability=0.5)
    tasks = {f"prompt {n}": Task(difficulty=0, answer="right", wrong=("wrong",)) for n in range(2000)}
    upstream = simulated(persona, tasks=tasks)
    replies = [await reply_of(upstream, request(prompt)) for prompt in tasks]
    right = sum(reply.text == "right" for reply in replies) / len(replies)
    assert right == pytest.approx(chance(persona, tasks["prompt 1"]), abs=0.03)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_same_call_is_answered_the_same_and_another_seed_otherwise(stream):
    asked = [request(f"prompt {n}", stream=stream) for n in range(30)]
    tasks = {f"prompt {n}": Task(difficulty=0, answer="right", wrong=("wrong",)) for n in range(30)}
    first, again, other = [
        [(await reply_of(Simulated(seed=seed, tasks=tasks), one)).text for one in asked] for seed in (1, 1, 2)
    ]
    assert first == again
    assert first != other
    assert {*first} == {"right", "wrong"}


async def test_whether_it_streams_changes_nothing_but_the_pieces():
    upstream = simulated(tasks=SUM)
    plain, streamed = [await reply_of(upstream, request("Hello", stream=stream)) for stream in (False, True)]
    assert plain == streamed


async def test_another_seed_of_the_caller_asks_for_another_answer():
    tasks = {"what is 2 + 2?": Task(difficulty=0, answer="right", wrong=("wrong",))}
    asked = [replace(request(), body={"seed": seed}) for seed in range(20)]
    texts = {(await reply_of(simulated(Persona(), tasks=tasks), one)).text for one in asked}
    assert texts == {"right", "wrong"}


@pytest.mark.parametrize("stream", [False, True])
async def test_each_choice_has_its_own_dice(stream):
    tasks = {"what is 2 + 2?": Task(difficulty=0, answer="right", wrong=("wrong",))}
    asked = request(stream=stream, limits=Limits(choices=12))
    reply = await reply_of(simulated(Persona(), tasks=tasks), asked)
    assert [choice.index for choice in reply.choices] == list(range(12))
    assert {choice.text for choice in reply.choices} == {"right", "wrong"}


async def test_usage_is_reported_and_counts_every_choice():
    asked = request("four words in here", limits=Limits(choices=2))
    reply = await reply_of(simulated(count=lambda text: len(text.split())), asked)
    assert reply.usage is not None
    assert (reply.usage.grade, reply.usage.cached) == (Grade.REPORTED, 0)
    assert reply.usage.input == 4 + 4
    assert reply.usage.output == sum(len(choice.text.split()) for choice in reply.choices)


async def test_a_limit_cuts_the_answer_and_says_so():
    asked = request("Hello", limits=Limits(output_tokens=7))
    reply = await reply_of(simulated(), asked)
    assert reply.choices[0].finish_reason == "length"
    assert 0 < rough_count(reply.text) <= 7
    assert reply.usage is not None
    assert reply.usage.output is not None
    assert reply.usage.output <= 7


async def test_the_models_own_limit_holds_too():
    upstream = simulated()
    items = await items_of(upstream.send(request("Hello"), model("m", max_output=3)))
    assert assemble(items[:-1], None).choices[0].finish_reason == "length"


async def test_a_longer_winded_model_writes_more():
    task = {"explain": Task(difficulty=0, answer="word " * 60)}
    short, long = [
        (await reply_of(simulated(replace(ABLE, verbosity=v), tasks=task), request("Explain"))).text
        for v in (1, 2)
    ]
    assert len(long.split()) > 1.5 * len(short.split())
    assert long.endswith(short)


@pytest.mark.parametrize("stream", [False, True])
async def test_answers_take_as_long_as_the_settings_say(stream):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    upstream = simulated(first_token_ms=50, tokens_per_second=100, sleep=sleep)
    reply = await reply_of(upstream, request("Hello", stream=stream))
    assert reply.usage is not None
    assert reply.usage.output is not None
    assert slept[0] == 0.05
    assert sum(slept[1:]) == pytest.approx(reply.usage.output / 100, rel=0.3)


async def test_an_upstream_that_fails_does_so_in_every_way():
    upstream, seen = simulated(Persona(error_rate=1)), set()
    for n in range(30):
        with pytest.raises((Broken, RateLimited, Truncated)) as raised:
            await reply_of(upstream, request(f"prompt {n}"))
        seen.add(raised.type)
    assert seen == {Broken, RateLimited, Truncated}
