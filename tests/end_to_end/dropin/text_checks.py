"""Text completions, as openai-python's users ask for them."""

from typing import Any

from openai import BadRequestError, InternalServerError

from tests.end_to_end.dropin.runner import World, raises

LEFT_EARLY = "left-in-mid-stream-of-a-text"


def a_text_goes_on(world: World) -> None:
    answer = _create(world)

    assert answer.choices[0].text == " and writer goes on: Once upon a time"
    assert (answer.object, answer.model, answer.id[:5]) == ("text_completion", "writer", "cmpl-")
    assert (answer.choices[0].finish_reason, answer.usage.completion_tokens) == ("stop", 8)


def no_template_is_put_around_a_text(world: World) -> None:
    _create(world, suffix="The end.", logit_bias={"50256": -100}, extra_body={"top_k": 7})
    (asked,) = world.received("writer")

    assert asked["path"] == "/v1/completions"
    assert (asked["body"]["prompt"], asked["body"]["suffix"]) == ("Once upon a time", "The end.")
    assert (asked["body"]["top_k"], "messages" in asked["body"]) == (7, False)


def a_text_comes_in_pieces(world: World) -> None:
    chunks: list[Any] = list(_create(world, stream=True, stream_options={"include_usage": True}))

    assert len({(chunk.id, chunk.model, chunk.object) for chunk in chunks}) == 1
    text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    assert text == " and writer goes on: Once upon a time"
    assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["stop"]
    assert (chunks[-1].choices, chunks[-1].usage.completion_tokens) == ([], 8)


def several_prompts_and_choices_have_their_places(world: World) -> None:
    answer = _create(world, prompt=["One", "Two"], n=2)

    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert [choice.text.split()[-1] for choice in answer.choices] == ["One", "One", "Two", "Two"]


def logprobs_echo_stop_and_limit_are_kept(world: World) -> None:
    answer = _create(world, logprobs=2, echo=True, stop=["upon"], max_tokens=3)

    assert answer.choices[0].text == "Once upon a time and writer goes"
    assert answer.choices[0].finish_reason == "length"
    assert "".join(answer.choices[0].logprobs.tokens) == answer.choices[0].text


def tokens_are_taken_by_the_model_that_was_named(world: World) -> None:
    assert _create(world, prompt=[[1, 2, 3]]).choices[0].text
    error = raises(BadRequestError, lambda: _create(world, prompt=[1, 2, 3], model="auto:texts"))

    assert "vocabulary" in str(error)


def a_text_says_what_it_cost_and_who_wrote_it(world: World) -> None:
    raw = world.client().completions.with_raw_response.create(model="auto:texts", prompt="Once upon a time")
    usage = raw.parse().usage

    assert (raw.headers["x-farthing-model"], raw.headers["x-farthing-asked"]) == ("writer", "auto:texts")
    expected = usage.prompt_tokens * 50_000 + usage.completion_tokens * 200_000
    assert round(float(raw.headers["x-farthing-cost-usd"]) * 1e12) == expected


def a_writer_that_is_down_is_passed_over(world: World) -> None:
    assert _create(world, model="auto:texts").model == "writer"
    assert {chunk.model for chunk in _create(world, model="auto:texts", stream=True)} == {"writer"}


def a_model_that_only_chats_writes_no_text(world: World) -> None:
    error = raises(BadRequestError, lambda: _create(world, model="small"))

    assert error.code == "no_candidate"
    assert "serves chat, not completions" in str(error)
    assert world.received("small") == []


def a_model_that_writes_does_not_chat(world: World) -> None:
    chat = world.client().chat.completions
    messages = [{"role": "user", "content": "Hi"}]
    error = raises(BadRequestError, lambda: chat.create(model="writer", messages=messages))

    assert "serves completions, not chat" in str(error)


def a_wrong_prompt_is_named(world: World) -> None:
    answer = world.post({"model": "writer", "prompt": {"text": "no"}}, path="/v1/completions")

    assert (answer.status, answer.json()["error"]["param"]) == (400, "prompt")


def an_upstream_that_breaks_is_a_bad_gateway(world: World) -> None:
    error = raises(InternalServerError, lambda: _create(world, model="writer-broken"))

    assert error.status_code == 502


def usage_that_is_not_told_is_estimated(world: World) -> None:
    answer = _create(world, model="writer-silent")

    assert answer.usage.completion_tokens > 0
    assert answer.usage.model_extra["farthing_estimated"] is True


def whoever_leaves_in_mid_text_ends_the_work(world: World) -> None:
    headers = {"x-request-id": LEFT_EARLY}
    stream = _create(world, model="writer-paced", stream=True, extra_headers=headers)
    next(iter(stream))
    stream.close()

    assert world.received("fake-paced", state="disconnected")


def _create(world: World, **options: Any) -> Any:
    return world.client().completions.create(**{"model": "writer", "prompt": "Once upon a time", **options})
