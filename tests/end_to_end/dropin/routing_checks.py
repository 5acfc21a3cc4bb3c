"""What Farthing adds: which model answered, why, what it cost, and that nobody sees what was rejected."""

from typing import Any

from openai import APIStatusError, InternalServerError

from tests.end_to_end.dropin.runner import World, asking, raises


def auto_takes_the_cheap_model_and_says_so(world: World) -> None:
    raw = _raw(world, model="auto")

    assert raw.headers["x-farthing-model"] == "small"
    assert raw.headers["x-farthing-asked"] == "auto"
    assert raw.headers["x-farthing-attempts"] == "1"
    assert raw.headers["x-farthing-reason"]
    assert raw.parse().model == "small"


def the_cost_of_an_answer_is_exact(world: World) -> None:
    raw = _raw(world, model="auto")

    usage = raw.parse().usage
    expected = usage.prompt_tokens * 50_000 + usage.completion_tokens * 200_000
    assert round(float(raw.headers["x-farthing-cost-usd"]) * 1e12) == expected


def a_model_by_its_name_is_that_model(world: World) -> None:
    raw = _raw(world, model="large")

    assert raw.headers["x-farthing-model"] == "large"
    assert raw.parse().choices[0].message.content == "large answers: Hello there"
    assert world.received("small") == []


def the_request_id_of_a_caller_is_echoed(world: World) -> None:
    raw = _raw(world, extra_headers={"x-request-id": "my-id_1:2.3"})

    assert raw.headers["x-request-id"] == "my-id_1:2.3"
    assert raw.parse()._request_id == "my-id_1:2.3"


def a_request_without_an_id_gets_one_of_its_own(world: World) -> None:
    ids = {_raw(world).headers["x-request-id"] for _ in range(3)}

    assert len(ids) == 3
    assert all(len(request_id) >= 16 for request_id in ids)


def a_request_id_that_is_none_is_not_echoed(world: World) -> None:
    raw = _raw(world, extra_headers={"x-request-id": "a b;<script>" + "c" * 300})

    assert "script" not in raw.headers["x-request-id"]


def a_model_that_is_down_is_passed_over(world: World) -> None:
    raw = _raw(world, model="auto:failover")

    assert raw.parse().choices[0].message.content == "large answers: Hello there"
    assert (raw.headers["x-farthing-model"], raw.headers["x-farthing-attempts"]) in {
        ("large", "2"),
        ("large", "1"),
    }


def a_model_that_breaks_is_passed_over(world: World) -> None:
    assert _raw(world, model="auto:failover-broken").parse().model == "large"


def a_model_at_its_limit_is_passed_over(world: World) -> None:
    assert _raw(world, model="auto:failover-limited").parse().model == "large"


def a_stream_is_passed_over_too(world: World) -> None:
    for policy in ("failover", "failover-broken", "failover-limited"):
        assert _streamed(world, f"auto:{policy}") == ({"large"}, "large answers: Hello there"), policy


def an_empty_answer_goes_to_the_next_model(world: World) -> None:
    raw = _raw(world, model="auto:escalate-empty")

    assert raw.parse().choices[0].message.content == "large answers: Hello there"
    assert (raw.headers["x-farthing-model"], raw.headers["x-farthing-attempts"]) == ("large", "2")


def a_refusal_goes_to_the_next_model(world: World) -> None:
    raw = _raw(world, model="auto:escalate-refusal")

    assert raw.parse().choices[0].message.content == "large answers: Hello there"
    assert (raw.headers["x-farthing-model"], raw.headers["x-farthing-attempts"]) == ("large", "2")


def what_was_rejected_is_paid_for_and_told(world: World) -> None:
    rejected, accepted = (_raw(world, model=model).parse().usage for model in ("refusal", "large"))
    raw = _raw(world, model="auto:escalate-refusal")

    expected = rejected.prompt_tokens * 50_000 + rejected.completion_tokens * 200_000
    expected += accepted.prompt_tokens * 500_000 + accepted.completion_tokens * 2_000_000
    assert round(float(raw.headers["x-farthing-cost-usd"]) * 1e12) == expected


def a_streamed_refusal_is_never_seen(world: World) -> None:
    for policy in ("escalate-refusal", "escalate-empty"):
        assert _streamed(world, f"auto:{policy}") == ({"large"}, "large answers: Hello there"), policy


def a_refusal_of_the_model_that_was_named_is_its_answer(world: World) -> None:
    answer = _raw(world, model="refusal").parse()

    assert answer.choices[0].message.content.startswith("I'm sorry")


def a_substitute_is_refused(world: World) -> None:
    error = raises(InternalServerError, lambda: _raw(world, model="alias"))

    assert error.status_code == 502
    assert "another-model" in str(error)


def a_substitute_is_passed_over(world: World) -> None:
    raw = _raw(world, model="auto:substitute-refused")

    assert raw.headers["x-farthing-model"] == "large"


def a_substitute_that_is_allowed_is_told(world: World) -> None:
    raw = _raw(world, model="auto:substituted")

    assert raw.headers["x-farthing-substituted"] == "another-model"
    assert raw.parse().choices[0].message.content


def a_ceiling_on_the_cost_is_kept(world: World) -> None:
    raises(APIStatusError, lambda: _raw(world, extra_headers={"x-farthing-max-cost-usd": "0.000000000001"}))

    assert world.received("small") == []
    assert _raw(world, extra_headers={"x-farthing-max-cost-usd": "0.10"}).parse().model == "small"


def labels_of_a_call_are_taken_without_complaint(world: World) -> None:
    labels = {
        "x-farthing-tags": "a, b",
        "x-farthing-session": "s1",
        "x-farthing-run-id": "r1",
        "x-farthing-user": "u",
    }

    assert _raw(world, extra_headers=labels).parse().choices[0].message.content


def _raw(world: World, **options: Any) -> Any:
    return world.client().chat.completions.with_raw_response.create(**asking(**options))


def _streamed(world: World, model: str) -> tuple[set[str], str]:
    chunks: list[Any] = list(world.client().chat.completions.create(**asking(model=model, stream=True)))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    return {chunk.model for chunk in chunks}, text
