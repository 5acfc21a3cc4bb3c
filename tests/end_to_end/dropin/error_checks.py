"""Errors, as openai-python raises them."""

from typing import Any

from openai import (
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
)

from tests.end_to_end.dropin.runner import World, asking, raises

MESSAGES = [{"role": "user", "content": "Hello"}]

BAD_BODIES: dict[str, object] = {
    "no JSON": b"{",
    "nothing": b"",
    "an array": [],
    "text": "hello",
    "no model": {"messages": MESSAGES},
    "a number for a model": {"model": 3, "messages": MESSAGES},
    "no messages": {"model": "small"},
    "empty messages": {"model": "small", "messages": []},
    "messages as text": {"model": "small", "messages": "Hello"},
    "a message as text": {"model": "small", "messages": ["Hello"]},
    "no role": {"model": "small", "messages": [{"content": "Hello"}]},
    "a number for content": {"model": "small", "messages": [{"role": "user", "content": 3}]},
    "no content": {"model": "small", "messages": [{"role": "user"}]},
    "a part without a type": {"model": "small", "messages": [{"role": "user", "content": [{"text": "x"}]}]},
    "n of nothing": {"model": "small", "messages": MESSAGES, "n": 0},
    "n of a thousand": {"model": "small", "messages": MESSAGES, "n": 1000},
    "negative tokens": {"model": "small", "messages": MESSAGES, "max_tokens": -1},
    "stream as text": {"model": "small", "messages": MESSAGES, "stream": "yes"},
    "stream_options as text": {"model": "small", "messages": MESSAGES, "stream": True, "stream_options": "x"},
    "tools as an object": {"model": "small", "messages": MESSAGES, "tools": {}},
    "a tool without a name": {
        "model": "small",
        "messages": MESSAGES,
        "tools": [{"type": "function", "function": {}}],
    },
    "a form without a schema": {
        "model": "small",
        "messages": MESSAGES,
        "response_format": {"type": "json_schema"},
    },
    "NaN": b'{"model": "small", "messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
    "half a character": b'{"model": "small", "messages": [{"role": "user", "content": "\xc3"}]}',
    "nesting without end": b'{"model": "small", "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


def without_a_key_there_is_no_answer(world: World) -> None:
    answer = world.http(f"{world.base}/v1/chat/completions", b"{}")

    assert (answer.status, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert answer.headers["x-request-id"]


def a_wrong_key_is_an_authentication_error(world: World) -> None:
    error = raises(AuthenticationError, lambda: _call(world.client(api_key="fk-wrong")))

    assert (error.status_code, error.code) == (401, "invalid_api_key")
    assert "fk-wrong" not in str(error)


def the_models_are_behind_the_key_too(world: World) -> None:
    raises(AuthenticationError, world.client(api_key="fk-wrong").models.list)


def health_needs_no_key(world: World) -> None:
    assert world.http(f"{world.base}/health").status == 200
    assert world.http(f"{world.base}/", method="HEAD").status == 200


def an_unknown_model_is_not_found(world: World) -> None:
    for stream in (False, True):
        error = raises(NotFoundError, lambda: _call(world.client(), model="nope", stream=stream))  # noqa: B023
        assert (error.status_code, error.code, error.param) == (404, "model_not_found", "model"), stream
        assert error.type == "invalid_request_error"


def an_unknown_policy_is_not_found(world: World) -> None:
    error = raises(APIStatusError, lambda: _call(world.client(), model="auto:nope"))

    assert error.status_code in {400, 404}
    assert "nope" in str(error)


def an_unknown_path_is_not_found(world: World) -> None:
    answer = world.post({}, "/v1/nothing/here")

    assert answer.status == 404
    assert answer.json()["error"]["message"]


def bad_bodies_are_bad_requests(world: World) -> None:
    answers = {name: world.post(body) for name, body in BAD_BODIES.items()}
    wrong = {name: (a.status, a.text[:200]) for name, a in answers.items() if a.status != 400}

    assert not wrong, wrong
    for name, answer in answers.items():
        error = answer.json()["error"]
        assert error["type"] == "invalid_request_error", name
        assert error["message"], name
        assert answer.headers["x-request-id"], name


def the_client_raises_a_bad_request_error_with_its_field(world: World) -> None:
    error = raises(
        BadRequestError, lambda: world.client().chat.completions.create(model="small", messages=[])
    )

    assert (error.status_code, error.param) == (400, "messages")


def a_rate_limit_upstream_is_a_rate_limit_here(world: World) -> None:
    error = raises(RateLimitError, lambda: _call(world.client(max_retries=2), model="limited"))

    assert error.response.headers["retry-after"] == "2"
    assert error.response.headers["x-should-retry"] == "false"
    assert len(world.received("fault-429")) == 1, "the client repeated what was final"


def a_rate_limit_before_a_stream_is_a_rate_limit_too(world: World) -> None:
    error = raises(RateLimitError, lambda: _call(world.client(), model="limited", stream=True))

    assert error.response.headers["retry-after"] == "2"


def what_an_upstream_calls_a_bad_request_is_the_callers(world: World) -> None:
    error = raises(BadRequestError, lambda: _call(world.client(), model="picky"))

    assert "temperature must be at most 2" in str(error)


def a_context_overflow_keeps_its_code(world: World) -> None:
    error = raises(BadRequestError, lambda: _call(world.client(), model="crowded"))

    assert error.code == "context_length_exceeded"


def a_bad_request_is_not_repeated_at_another_model(world: World) -> None:
    raises(BadRequestError, lambda: _call(world.client(), model="auto:failover-picky"))

    assert world.received("large") == []


def the_upstreams_refusal_of_our_key_is_not_the_callers(world: World) -> None:
    for stream in (False, True):
        error = raises(InternalServerError, lambda: _call(world.client(), model="denied", stream=stream))  # noqa: B023
        assert error.status_code == 502, stream
        assert world.upstream_key not in str(error.body), "the upstream's key was handed on"


def the_upstreams_ignorance_of_a_model_is_not_the_callers(world: World) -> None:
    error = raises(InternalServerError, lambda: _call(world.client(), model="nameless"))

    assert error.status_code == 502


def a_broken_upstream_is_a_bad_gateway_and_final(world: World) -> None:
    error = raises(InternalServerError, lambda: _call(world.client(max_retries=2), model="broken"))

    assert error.status_code == 502
    assert error.response.headers["x-should-retry"] == "false"
    assert world.upstream_key not in str(error.body), "the upstream's key was handed on"
    assert len(world.received("fault-500")) == 1


def when_all_models_are_down_the_error_says_so(world: World) -> None:
    error = raises(InternalServerError, lambda: _call(world.client(), model="auto:all-down"))

    assert error.status_code in {502, 503}
    assert error.response.headers["x-farthing-attempts"] == "2"


def an_upstream_that_hangs_is_a_gateway_timeout(world: World) -> None:
    error = raises(APIStatusError, lambda: _call(world.client(), model="stalling"))

    assert error.status_code == 504


def a_client_that_gives_up_on_a_plain_answer_ends_it(world: World) -> None:
    raises(APITimeoutError, lambda: _call(world.client(timeout=0.7), model="hanging"))

    assert world.received("fault-hang", state="disconnected", within=2)


def a_connection_stays_good_after_errors(world: World) -> None:
    client = world.client()
    for model in ("nope", "limited", "broken", "picky", "denied"):
        raises(APIStatusError, lambda: _call(client, model=model))  # noqa: B023
        assert _call(client).choices[0].message.content


def the_headers_of_an_upstream_do_not_reach_the_caller(world: World) -> None:
    raw = world.client().chat.completions.with_raw_response.create(**asking(model="hostile"))

    assert "spoofed" not in str(dict(raw.headers))
    assert not {"set-cookie", "access-control-allow-origin", "x-should-retry"} & set(raw.headers)


def _call(client: Any, **options: Any) -> Any:
    return client.chat.completions.create(**asking(**options))
