"""The HTTP server over a small house: what goes in, what comes out, which headers."""

import asyncio
import json
from itertools import count

import pytest
from aiohttp.test_utils import TestClient, TestServer

from evaluators import EVALUATORS
from policies.budgets.keeper import Keeper
from policies.budgets.memory import MemoryCounters
from policies.budgets.rules import Ruleset
from policies.language import Escalation, PolicySpec
from policies.meters import Health
from policies.policy import RoutedPolicy
from router.budget import Budget, BudgetScope, Per
from router.errors import Broken, CallerFault, Denied, RateLimited, UnknownModel
from router.ids import Ids
from router.keys import Key, Ring, digest_of
from router.pipeline import Pipeline
from router.server import Service
from router.types import Delta, Role, Scopes, ToolCall, Usage
from tests.support.world import Book, FakeClock, Script, features, flat_charge, model

SMALL, LARGE = model("small", price=1), model("large", price=10)


class SmallHouse:
    """Two models behind `auto`, and whatever a script makes them say."""

    def __init__(self, replies, *, ring=None, budgets=None, keepalive=30.0, **spec):
        self.upstream, self.book, self.keepalive = (
            Script(replies, usage=Usage(input=10, output=5)),
            Book(),
            keepalive,
        )
        self.ring, self.tiers = ring, {}
        self._policy = RoutedPolicy(
            "default",
            PolicySpec(**{"escalation": Escalation(rescue=()), **spec}),
            (SMALL, LARGE),
            health=Health(FakeClock()),
            strongest=LARGE,
            evaluators={name: EVALUATORS[name]({}) for name in ("shape", "refusal")},
        )
        self.pipeline = Pipeline(
            models={"small": SMALL, "large": LARGE},
            upstreams={"fake": self.upstream},
            measure=lambda _request, _models, _policy="": features({"small": 0.8, "large": 0.85}),
            charge=flat_charge,
            count=len,
            sinks=[self.book],
            clock=FakeClock(),
            budgets=budgets,
        )

    def policy(self, asked, /):
        if asked != "auto":
            raise UnknownModel("There is none.", param="model")
        return self._policy

    def labels(self, request, headers, /):
        return {}

    def listing(self):
        return [{"id": "auto"}, {"id": "org/small"}]


@pytest.fixture
async def serve():
    clients = []

    async def start(replies, **given) -> tuple[TestClient, SmallHouse]:
        house, ids = SmallHouse(replies, **given), count(1)
        service = Service(
            lambda: house,
            clock=FakeClock(),
            ids=Ids(b"secret", token=lambda size: f"{next(ids):0{2 * size}}"),
            metrics=lambda: b"up 1\n",
            max_body=4096,
        )
        client = TestClient(TestServer(service.application()))
        await client.start_server()
        clients.append(client)
        return client, house

    yield start
    for client in clients:
        await client.close()


def ask(client, *, headers=None, path="/v1/chat/completions", **fields):
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], **fields}
    return client.post(path, json=body, headers=headers)


async def events(response):
    text = await response.text()
    return [json.loads(event[6:]) for event in text.split("\n\n") if event.startswith("data: {")], text


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
async def test_a_plain_answer_says_who_gave_it(serve, path):
    client, _ = await serve({"small": [["four"]], "large": [["4"]]})
    response = await ask(client, path=path)
    body = await response.json()
    assert body["choices"][0]["message"]["content"] == "four"
    assert body["model"] == "small"
    farthing = {name.lower(): value for name, value in response.headers.items() if name[:2] in "x-X-"}
    assert farthing == {
        "x-request-id": response.headers["x-request-id"],
        "x-farthing-asked": "auto",
        "x-farthing-model": "small",
        "x-farthing-reason": "cheapest adequate (p=0.80)",
        "x-farthing-attempts": "1",
        "x-farthing-cost-usd": "0.000015",
    }


async def test_an_escalated_answer_shows_nothing_of_the_rejected_one(serve):
    client, house = await serve({"small": [["I'm sorry, but I can't help with that."]], "large": [["4"]]})
    response = await ask(client)
    assert "sorry" not in await response.text()
    assert response.headers["x-farthing-attempts"] == "2"
    assert response.headers["x-farthing-cost-usd"] == "0.000165"
    assert [row.status for row in house.book.rows] == ["rejected", "accepted"]


async def test_a_stream_is_a_stream_with_the_cost_in_its_last_chunk(serve):
    client, _ = await serve({"small": [["fo", "ur"]], "large": [["4"]]})
    response = await ask(client, stream=True, stream_options={"include_usage": True})
    chunks, text = await events(response)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["x-farthing-model"] == "small"
    assert text.endswith("data: [DONE]\n\n")
    assert chunks[-1]["usage"]["prompt_tokens"] == 10
    assert chunks[-1]["farthing"]["cost_usd"] == "0.000015"


async def test_a_stream_that_waits_long_is_kept_alive_and_says_the_model_at_its_end(serve):
    heard = asyncio.Event()
    client, _ = await serve({"small": [[heard.wait, ""]], "large": [["4"]]}, keepalive=0.001)
    response = await ask(client, stream=True)
    assert (await response.content.readany()).startswith(b": farthing is waiting")
    heard.set()
    chunks, _ = await events(response)
    assert "x-farthing-model" not in response.headers
    assert (chunks[-1]["farthing"]["model"], chunks[-1]["farthing"]["attempts"]) == ("large", 2)


async def test_when_every_check_fails_the_answer_goes_out_marked(serve):
    client, _ = await serve({"small": [["{"]], "large": [["["]]})
    plain = await ask(client, response_format={"type": "json_object"})
    assert plain.headers["x-farthing-check"] == "failed"
    chunks, _ = await events(await ask(client, response_format={"type": "json_object"}, stream=True))
    assert chunks[-1]["farthing"]["check"] == "failed"
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"]) == "["


async def test_a_stream_that_breaks_after_its_commit_ends_with_an_error_event(serve):
    client, _ = await serve({"small": [["word " * 100, Broken("cut short")]], "large": [["4"]]})
    chunks, text = await events(await ask(client, stream=True))
    assert chunks[-1]["error"]["message"] == "cut short"
    assert "[DONE]" not in text
    assert not any(choice["finish_reason"] for chunk in chunks[:-1] for choice in chunk["choices"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (CallerFault("too long", status=400, code="context_length_exceeded"), 400, "context_length_exceeded"),
        (RateLimited("slow down", status=429, retry_after=7.0), 429, "rate_limit_exceeded"),
        (Denied("bad key", status=401), 502, "denied"),
        (Broken("html"), 502, "broken"),
    ],
)
async def test_an_upstreams_failure_has_the_right_status(serve, stream, error, status, code):
    client, _ = await serve({"small": [[error]], "large": [[error]]})
    response = await ask(client, stream=stream)
    assert response.status == status
    assert (await response.json())["error"]["code"] == code
    assert response.headers["x-request-id"].startswith("0" * 19 + "1")
    if status >= 429:
        assert response.headers["x-should-retry"] == "false"
    if status == 429:
        assert response.headers["Retry-After"] == "7"


async def test_a_key_is_asked_for_where_keys_are_in_force(serve):
    known = Ring([Key(name="alice", digest=digest_of("right"), team="t", tags=("a",))])
    client, house = await serve({"small": [["x"]], "large": [["x"]]}, ring=known)
    assert (await ask(client)).status == 401
    assert (await ask(client, headers={"Authorization": "Bearer wrong"})).status == 401
    assert (await client.get("/v1/models")).status == 401
    assert (await client.get("/health")).status == 200
    assert (
        await ask(client, headers={"Authorization": "Bearer right", "x-farthing-tags": "b, c"})
    ).status == 200
    assert (await ask(client, headers={"x-api-key": "right", "x-session-id": "s"})).status == 200
    first, second = house.book.rows
    assert (first.key, first.team, first.tags) == ("alice", "t", ("a", "b", "c"))
    assert second.session == "s"


async def test_a_request_id_is_kept_if_it_is_a_decent_one_and_two_calls_stay_two(serve):
    client, house = await serve({"small": [["x"]], "large": [["x"]]})
    assert (await ask(client, headers={"x-request-id": "mine-1"})).headers["x-request-id"] == "mine-1"
    assert (await ask(client, headers={"x-request-id": "mine-1"})).headers["x-request-id"] == "mine-1"
    assert (await ask(client, headers={"x-request-id": "no good\u00e9"})).headers["x-request-id"][
        :20
    ] == f"{3:020}"
    assert (await ask(client, headers={"x-request-id": "sly~1"})).headers["x-request-id"][:20] == f"{4:020}"
    known = [row.request_id for row in house.book.rows]
    assert [name[:15] for name in known] == ["mine-1~00000001", "mine-1~00000002", "0" * 15, "0" * 15]
    assert len(set(known)) == 4


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("/v1/chat/completions", b"{", 400),
        ("/v1/chat/completions", b"[]", 400),
        ("/v1/chat/completions", b"x" * 5000, 413),
        ("/v1/chat/completions", b'{"model":"nope","messages":[{"role":"user","content":"x"}]}', 404),
        ("/v1/nothing", b"{}", 404),
    ],
)
async def test_a_bad_request_is_answered_in_openais_shape(serve, path, data, status):
    client, house = await serve({"small": [["x"]], "large": [["x"]]})
    response = await client.post(path, data=data)
    assert response.status == status
    assert set((await response.json())["error"]) == {"message", "type", "param", "code"}
    assert house.upstream.sent == []


async def test_a_ceiling_from_a_header_strikes_models_out(serve):
    client, _ = await serve({"small": [["x"]], "large": [["x"]]})
    response = await ask(client, headers={"x-farthing-max-cost-usd": "0.0000001"})
    body = await response.json()
    assert (response.status, body["error"]["code"]) == (400, "no_candidate")
    assert set(body["error"]["refused"]) == {"small", "large"}
    assert (await ask(client, headers={"x-farthing-max-cost-usd": "free"})).status == 400


async def test_models_can_be_listed_and_looked_up(serve):
    client, _ = await serve({"small": [["x"]]})
    assert [m["id"] for m in (await (await client.get("/v1/models")).json())["data"]] == ["auto", "org/small"]
    assert (await (await client.get("/models/org/small")).json())["id"] == "org/small"
    assert (await client.get("/v1/models/none")).status == 404


async def test_health_and_metrics_are_open(serve):
    client, _ = await serve({"small": [["x"]]})
    assert await (await client.get("/health")).json() == {"status": "ok"}
    assert (await client.head("/")).status == 200
    assert await (await client.get("/metrics")).text() == "up 1\n"


async def test_a_tool_call_reaches_the_caller(serve):
    call = Delta(tool_calls=(ToolCall(id="c", name="f", arguments="{}"),), finish_reason="tool_calls")
    client, _ = await serve({"small": [[call]], "large": [["x"]]})
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    message = (await (await ask(client, tools=tools)).json())["choices"][0]["message"]
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}


async def test_a_mistake_of_ours_is_answered_in_the_callers_shape(serve, caplog):
    client, _ = await serve({"small": [[ZeroDivisionError("inside")]], "large": [["x"]]})
    response = await ask(client)
    assert response.status == 500
    assert "inside" not in (await response.json())["error"]["message"]
    assert "inside" in caplog.text


def pace(requests):
    """Budgets of so many requests a minute, for everybody."""
    rules = Ruleset([Budget(name="pace", scope=BudgetScope.ALL, per=Per.MINUTE, requests=requests)])
    return Keeper(rules, MemoryCounters(FakeClock()), clock=FakeClock())


@pytest.mark.parametrize("stream", [False, True])
async def test_answers_say_how_the_limits_stand_and_refusals_when_to_come_again(serve, stream):
    client, house = await serve({"small": [["x"]], "large": [["x"]]}, budgets=pace(1))
    first = await ask(client, stream=stream)
    await first.read()
    assert first.headers["x-ratelimit-limit-requests"] == "1"
    assert first.headers["x-ratelimit-remaining-requests"] == "0"
    assert first.headers["x-ratelimit-reset-requests"] == "1m0s"
    second = await ask(client, stream=stream)
    assert second.status == 429
    assert (second.headers["Retry-After"], second.headers["x-should-retry"]) == ("60", "true")
    error = (await second.json())["error"]
    assert (error["code"], error["budget"]["budget"], error["budget"]["spent"]) == (
        "rate_limit_exceeded",
        "pace",
        1,
    )
    assert len(house.upstream.sent) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_climb_that_no_budget_bears_shows_the_best_answer_so_far_marked(serve, stream):
    rules = Ruleset([Budget(name="one", scope=BudgetScope.REQUEST, per=Per.TOTAL, usd=150 * 10**6)])
    budgets = Keeper(rules, MemoryCounters(FakeClock()), clock=FakeClock())
    client, house = await serve({"small": [["{"]], "large": [["["]]}, budgets=budgets)
    given = {"response_format": {"type": "json_object"}, "max_tokens": 5, "stream": stream}
    response = await ask(client, **given)
    assert (response.status, set(house.upstream.sent)) == (200, {"small"})
    if stream:
        chunks, _ = await events(response)
        assert (chunks[-1]["farthing"]["budget"], chunks[-1]["farthing"]["check"]) == (
            "exhausted: one",
            "failed",
        )
    else:
        assert response.headers["x-farthing-budget"] == "exhausted: one"


async def test_a_key_is_shown_what_it_may_and_what_is_left(serve):
    known = Key(name="alice", digest=digest_of("right"), scopes=Scopes(policies=frozenset({"default"})))
    rules = Ruleset([Budget(name="b", scope=BudgetScope.KEY, per=Per.DAY, usd=10**12)])
    budgets = Keeper(rules, MemoryCounters(FakeClock()), clock=FakeClock())
    client, _ = await serve({"small": [["x"]], "large": [["x"]]}, ring=Ring([known]), budgets=budgets)
    headers = {"Authorization": "Bearer right"}
    await ask(client, headers=headers)
    told = await (await client.get("/v1/farthing/key", headers=headers)).json()
    assert (told["name"], told["scopes"]) == ("alice", {"policies": ["default"]})
    (limit,) = told["limits"]
    assert (limit["limit"], limit["spent"], limit["held"]) == ("1", "0.000015", "0")
    assert (await client.get("/v1/farthing/key")).status == 401
    listed = await (await client.get("/v1/models", headers=headers)).json()
    assert [row["id"] for row in listed["data"]] == ["auto"]


@pytest.mark.parametrize(("role", "status"), [(Role.AUDITOR, 200), (Role.ADMIN, 200), (Role.CALLER, 403)])
async def test_where_keys_are_in_force_metrics_are_for_auditors(serve, role, status):
    client, _ = await serve({"small": [["x"]]}, ring=Ring([Key(name="k", digest=digest_of("s"), role=role)]))
    assert (await client.get("/metrics")).status == 401
    assert (await client.get("/metrics", headers={"Authorization": "Bearer s"})).status == status
    assert (await ask(client, headers={"Authorization": "Bearer s"})).status == (
        403 if role is Role.AUDITOR else 200
    )
