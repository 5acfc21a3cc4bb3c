"""Plain answers, models, options and forms, as openai-python's users ask for them."""

import asyncio
import json
from decimal import Decimal

from openai import AsyncOpenAI, NotFoundError
from pydantic import BaseModel

from tests.end_to_end.dropin.runner import World, asking, raises


class City(BaseModel):
    """A form with everyday parts."""

    name: str
    people: int
    tags: list[str]
    twin: "City | None" = None


def models_are_listed(world: World) -> None:
    names = {model.id for model in world.client().models.list()}

    assert {"auto", "auto:failover", "small", "large", "simulated"} <= names


def a_model_says_its_price_and_context(world: World) -> None:
    model = world.client().models.retrieve("small").model_dump()

    assert (model["id"], model["object"]) == ("small", "model")
    assert Decimal(model["pricing"]["prompt"]) * 10**6 == Decimal("0.05")
    assert Decimal(model["pricing"]["completion"]) * 10**6 == Decimal("0.20")
    assert 500_000 in {model.get("context_length"), model.get("max_model_len"), model.get("context_window")}


def auto_is_a_model_that_can_be_retrieved(world: World) -> None:
    assert world.client().models.retrieve("auto").id == "auto"


def a_model_that_is_not_there_is_not_found(world: World) -> None:
    error = raises(NotFoundError, lambda: world.client().models.retrieve("nope"))

    assert error.code == "model_not_found"


def a_plain_answer_has_the_usual_shape(world: World) -> None:
    answer = world.client().chat.completions.create(**asking())

    assert answer.id.startswith("chatcmpl-")
    assert (answer.object, answer.model) == ("chat.completion", "small")
    assert answer.created > 1_700_000_000
    (choice,) = answer.choices
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "stop", "assistant")
    assert choice.message.content == "small answers: Hello there"
    assert choice.message.tool_calls is None
    assert choice.message.refusal is None


def usage_is_what_the_upstream_said(world: World) -> None:
    usage = world.client().chat.completions.create(**asking()).usage

    assert usage.completion_tokens == 4
    assert usage.total_tokens == usage.prompt_tokens + 4
    assert usage.prompt_tokens_details.cached_tokens == 0


def an_upstream_without_usage_still_gives_an_answer(world: World) -> None:
    answer = world.client().chat.completions.create(**asking(model="silent-usage"))

    assert answer.choices[0].message.content.endswith("Hello there")


def the_async_client_gets_answers_side_by_side(world: World) -> None:
    async def several() -> list[str | None]:
        async with AsyncOpenAI(base_url=f"{world.base}/v1", api_key=world.key) as client:
            calls = [client.chat.completions.create(**asking(f"Number {i}")) for i in range(8)]
            return [answer.choices[0].message.content for answer in await asyncio.gather(*calls)]

    assert asyncio.run(several()) == [f"small answers: Number {i}" for i in range(8)]


def every_role_reaches_the_upstream_untouched(world: World) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": "Be kind."},
        {"role": "user", "name": "ada", "content": "Look."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Seen."},
    ]
    world.client().chat.completions.create(model="small", messages=messages)

    assert world.received("small")[0]["body"]["messages"] == messages


def content_parts_with_an_image_reach_the_upstream(world: World) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}}
    parts = [{"type": "text", "text": "What is this?"}, image]
    world.client().chat.completions.create(model="auto", messages=[{"role": "user", "content": parts}])

    assert world.received("small")[0]["body"]["messages"][0]["content"] == parts


def two_choices_are_two_choices(world: World) -> None:
    answer = world.client().chat.completions.create(**asking(n=2))

    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[0].message.content != answer.choices[1].message.content


def logprobs_are_handed_on(world: World) -> None:
    answer = world.client().chat.completions.create(**asking(logprobs=True, top_logprobs=3))

    tokens = answer.choices[0].logprobs.content
    assert "".join(token.token for token in tokens) == answer.choices[0].message.content
    assert len(tokens[0].top_logprobs) == 3


def logprobs_nobody_asked_for_are_not_there(world: World) -> None:
    assert world.client().chat.completions.create(**asking(model="auto")).choices[0].logprobs is None


def a_stop_word_stops(world: World) -> None:
    answer = world.client().chat.completions.create(**asking(stop=["there"]))

    assert answer.choices[0].message.content == "small answers: Hello "


def a_token_limit_is_passed_on_and_its_finish_reason_back(world: World) -> None:
    for option in ("max_tokens", "max_completion_tokens"):
        answer = world.client().chat.completions.create(**asking(**{option: 2}))
        assert answer.choices[0].finish_reason == "length", option


def options_of_the_api_reach_the_upstream(world: World) -> None:
    options = {"temperature": 0.3, "top_p": 0.9, "seed": 7, "presence_penalty": 0.1, "user": "u1"}
    options |= {"frequency_penalty": 0.2, "logit_bias": {"50256": -100}, "metadata": {"a": "b"}}
    options |= {"reasoning_effort": "low", "verbosity": "low", "prompt_cache_key": "k"}
    world.client().chat.completions.create(**asking(**options))

    body = world.received("small")[0]["body"]
    assert {name: body.get(name) for name in options} == options


def fields_nobody_knows_reach_the_upstream(world: World) -> None:
    extra = {
        "top_k": 20,
        "chat_template_kwargs": {"enable_thinking": False},
        "min_p": 0.05,
        "x_new": [1, {"a": 2}],
    }
    world.client().chat.completions.create(**asking(extra_body=extra))

    body = world.received("small")[0]["body"]
    assert {name: body.get(name) for name in extra} == extra


def fields_nobody_knows_come_back(world: World) -> None:
    answer = world.client().chat.completions.create(**asking(model="extras")).model_dump()

    assert answer["choices"][0]["message"]["reasoning_content"] == "Let me think about it."
    assert (answer["system_fingerprint"], answer["service_tier"]) == ("fp_fake", "default")
    assert answer["provider"] == "Fake"


def a_body_of_a_megabyte_passes(world: World) -> None:
    words = "All the world's a stage. " * 42_000
    answer = world.client().chat.completions.create(**asking(words))

    assert answer.choices[0].message.content.startswith("small answers: All the world")
    assert len(world.received("small")[0]["body"]["messages"][0]["content"]) == len(words)


def every_script_of_the_world_survives(world: World) -> None:
    words = 'Grüße, 世界, 🦊, "quoted", back\\slash, \u2028 and a tab\t.'
    answer = world.client().chat.completions.create(**asking(words))

    assert answer.choices[0].message.content == f"small answers: {words}"


def the_upstream_sees_its_own_key_and_not_the_callers(world: World) -> None:
    world.client(default_headers={"Cookie": "a=b", "X-Api-Key": "mine"}).chat.completions.create(**asking())

    headers = {name.lower(): value for name, value in world.received("small")[0]["headers"].items()}
    assert headers["authorization"] == f"Bearer {world.upstream_key}"
    assert not {"cookie", "x-api-key", "openai-organization", "x-stainless-lang"} & headers.keys()
    assert world.key not in str(headers)


def the_simulated_upstream_answers(world: World) -> None:
    answer = world.client().chat.completions.create(**asking("What is 17 + 25?", model="simulated"))

    assert answer.choices[0].message.content
    assert answer.usage.completion_tokens > 0


def any_json_object_can_be_asked_for(world: World) -> None:
    answer = world.client().chat.completions.create(**asking(response_format={"type": "json_object"}))

    assert json.loads(answer.choices[0].message.content) == {"answer": "Hello there"}


def a_pydantic_model_is_parsed(world: World) -> None:
    answer = world.client().chat.completions.parse(**asking(model="auto", response_format=City))

    assert answer.choices[0].message.parsed.name == "text"
    assert world.received("small")[0]["body"]["response_format"]["json_schema"]["strict"] is True


def an_answer_outside_its_schema_goes_to_the_next_model(world: World) -> None:
    world.script("small", {"text": '{"name": 3}'})
    answer = world.client().chat.completions.parse(**asking(model="auto", response_format=City))

    assert answer.choices[0].message.parsed.people == 7
    assert answer.model == "large"


def a_base_url_may_end_in_a_slash(world: World) -> None:
    answer = world.client(base_url=f"{world.base}/v1/").chat.completions.create(**asking())

    assert answer.choices[0].message.content


def a_base_url_may_do_without_v1(world: World) -> None:
    client = world.client(base_url=world.base)

    assert client.chat.completions.create(**asking()).choices[0].message.content
    assert client.models.retrieve("small").id == "small"


def an_extra_query_string_does_no_harm(world: World) -> None:
    answer = world.client().chat.completions.create(
        **asking(extra_query={"api-version": "2026-10-21", "beta": "true"})
    )

    assert answer.choices[0].message.content
