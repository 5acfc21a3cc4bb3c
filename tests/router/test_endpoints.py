"""Completions and embeddings through the whole house: who may be asked, what comes back, what is booked."""

import base64
import struct
from dataclasses import dataclass, field

import aiohttp
import pytest

from policies.budgets.memory import MemoryCounters
from policies.meters import Health, Latency
from router.app import Household, Parts
from router.auditing import Auditing
from router.catalog import Knowledge
from router.clock import SystemClock
from router.config import parse
from router.ids import Ids
from router.promises import Promises
from router.server import Service
from router.types import Lane, Prediction, Request
from tests.support.fake_answers import Answer
from tests.support.fake_upstream import FakeUpstream, Fault
from tests.support.world import Book

CONFIG = """
upstreams: {fake: {kind: openai, base_url: "%s", provider: fake}}
models:
  - {name: chatty, upstream: fake, price: {input: 1, output: 1}, context_window: 8192}
  - {name: both, upstream: fake, price: {input: 5, output: 7}, context_window: 400,
     serves: [completions, chat]}
  - {name: writer, upstream: fake, price: {input: 2, output: 3}, context_window: 400, serves: [completions]}
  - {name: embed, upstream: fake, price: {input: 0.01, output: 0}, context_window: 100, serves: [embeddings]}
  - {name: other, upstream: fake, price: {input: 0.01, output: 0}, context_window: 100, serves: [embeddings]}
policies:
  default: {checks: [shape, refusal]}
  one: {models: [chatty, both, embed], checks: [shape], audit: {share: 1, model: chatty}}
"""


class Even:
    """A classifier to whom all models are the same."""

    scale = "test"

    def describe(self, turns, /):
        return (float(len(turns)),)

    def predict(self, vector, models, segment=None, /):
        return {model.name: Prediction(success=0.9, output_tokens=10) for model in models}


@pytest.fixture
async def fake():
    async with FakeUpstream() as server:
        yield server


@dataclass
class Later:
    """Somewhere to put what is answered later."""

    taken: list[Request] = field(default_factory=list)

    async def defer(self, request, dialect, /):
        self.taken.append(request)
        return {"id": "bg_1", "endpoint": dialect.path}


@pytest.fixture
def later():
    return Later()


@pytest.fixture
def book():
    return Book()


@pytest.fixture
async def client(aiohttp_client, fake, book, later):
    clock = SystemClock()
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        parts = Parts(
            session=session,
            predictor=Even(),
            count=lambda text: len(text) // 4,
            knowledge=Knowledge.load(),
            health=Health(clock),
            latency=Latency(clock),
            counters=MemoryCounters(clock),
            sinks=[book],
            clock=clock,
            auditing=Auditing(clock, Promises()),
        )
        house = Household(parse(CONFIG % fake.url, environ={}), parts)
        ids = Ids(b"secret")
        service = Service(lambda: house, clock=clock, ids=ids, metrics=bytes, deferral=later)
        yield await aiohttp_client(service.application())


async def completed(client, **body):
    return await client.post("/v1/completions", json={"model": "writer", "prompt": "Once", **body})


async def embedded(client, **body):
    return await client.post("/v1/embeddings", json={"model": "embed", "input": "Hello there", **body})


async def test_a_text_is_continued_as_it_stands(client, fake, book):
    response = await completed(client, max_tokens=50, suffix="the end", logprobs=1, best_of=2)
    answer = await response.json()

    assert response.status == 200
    assert (answer["object"], answer["model"], answer["id"][:5]) == ("text_completion", "writer", "cmpl-")
    (choice,) = answer["choices"]
    assert choice["text"] == " and writer goes on: Once"
    assert choice["logprobs"]["tokens"] == [" and", " writer", " goes", " on:", " Once"]
    assert answer["usage"] == {"prompt_tokens": 1, "completion_tokens": 5, "total_tokens": 6}
    (asked,) = fake.requests
    assert (asked.path, asked.body["suffix"], "messages" in asked.body) == (
        "/v1/completions",
        "the end",
        False,
    )
    (row,) = book.rows
    assert (row.endpoint, row.dialect, row.status) == ("completions", "completions", "accepted")
    assert row.cost == 1 * 2_000_000 + 5 * 3_000_000
    assert response.headers["x-farthing-cost-usd"] == "0.000017"
    assert row.baseline_cost is None, "no savings are reckoned where no chat is routed"


async def test_a_streamed_text_comes_in_pieces_with_its_usage_and_its_note(client, book):
    response = await completed(client, stream=True, echo=True, stream_options={"include_usage": True})
    text = await response.text()

    assert text.endswith("data: [DONE]\n\n")
    assert '"text":"Once"' in text
    assert '"completion_tokens":5' in text
    assert '"farthing":{' in text
    assert (book.rows[0].stream, book.rows[0].output_tokens, book.rows[0].release) == (True, 5, "relayed")


async def test_what_repeats_its_prompt_is_not_taken_for_output(client, fake, book):
    fake.script("writer", Answer(usage="none"))
    response = await completed(client, prompt="A long beginning. " * 20, echo=True, max_tokens=0)

    assert (await response.json())["choices"][0]["text"].startswith("A long beginning.")
    assert book.rows[0].output_tokens == 0


async def test_auto_asks_only_who_serves_texts_and_goes_on_to_the_next(client, fake, book):
    fake.script("writer", Fault("500"))
    response = await completed(client, model="auto")

    assert response.status == 200
    assert (response.headers["x-farthing-model"], response.headers["x-farthing-attempts"]) == ("both", "2")
    assert {row.model for row in book.rows} == {"writer", "both"}


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("completions", {"model": "chatty", "prompt": "Once"}, "serves chat, not completions"),
        ("embeddings", {"model": "both", "input": "Hi"}, "serves chat and completions, not embeddings"),
        ("chat/completions", {"model": "embed", "messages": [{"role": "user", "content": "Hi"}]}, "not chat"),
        ("embeddings", {"model": "auto", "input": "Hi"}, "vectors of different models cannot be compared"),
        ("completions", {"model": "auto", "prompt": [1, 2, 3]}, "one model's vocabulary alone"),
    ],
)
async def test_what_nobody_can_serve_is_refused_with_the_reason(client, fake, path, body, reason):
    response = await client.post(f"/v1/{path}", json=body)
    error = (await response.json())["error"]

    assert (response.status, error["type"], error["code"]) == (400, "invalid_request_error", "no_candidate")
    assert reason in error["message"]
    assert fake.requests == []


async def test_a_chat_is_never_given_to_a_model_of_another_kind(client, fake, book):
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}]}
    response = await client.post("/v1/chat/completions", json=body)

    assert response.headers["x-farthing-model"] == "chatty"
    assert set(book.rows[0].predictions) == {"chatty", "both"}
    assert book.rows[0].cheapest_model == "chatty", "an embedding model would be cheaper"


async def test_vectors_come_as_they_were_written(client, fake, book):
    fake.script("embed", Answer(envelope={"zork": [1]}))
    response = await embedded(client, input=["Hello there", "Hi"])
    body = await response.text()
    answer = await response.json()

    assert "0.30000000000000004" in body
    assert [row["index"] for row in answer["data"]] == [0, 1]
    assert (answer["object"], answer["model"], answer["zork"]) == ("list", "embed", [1])
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    (row,) = book.rows
    assert (row.cost, row.cost_grade, row.output_tokens, row.usage_grade) == (
        30_000,
        "computed",
        0,
        "reported",
    )
    assert (row.endpoint, row.verdicts, row.kind) == ("embeddings", {}, "")


async def test_encoding_and_dimensions_reach_the_upstream(client, fake):
    answer = await (await embedded(client, encoding_format="base64", dimensions=3)).json()

    assert struct.unpack("<3f", base64.b64decode(answer["data"][0]["embedding"]))[2] == -0.5
    assert fake.requests[0].body["dimensions"] == 3


async def test_auto_embeds_where_the_policy_has_one_model_for_it(client, book):
    response = await embedded(client, model="auto:one")

    assert (response.status, response.headers["x-farthing-model"]) == (200, "embed")
    assert response.headers["x-farthing-reason"] == "the policy's only model for it"
    assert [row.purpose for row in book.rows] == ["answer"], "vectors are not audited"


async def test_the_list_of_models_says_what_may_be_asked_for(client):
    listed = (await (await client.get("/v1/models")).json())["data"]

    assert {entry["id"]: entry["farthing"]["serves"] for entry in listed} == {
        "auto": ["chat", "completions"],
        "auto:one": ["chat", "completions", "embeddings"],
        "chatty": ["chat"],
        "both": ["chat", "completions"],
        "writer": ["completions"],
        "embed": ["embeddings"],
        "other": ["embeddings"],
    }


async def test_vectors_of_another_model_than_was_asked_are_refused(client, fake):
    fake.script("embed", Answer(served_model="better-embed"))
    response = await embedded(client)

    assert response.status == 502
    assert "better-embed" in (await response.json())["error"]["message"]


async def test_too_few_vectors_are_an_upstream_that_failed(client, fake):
    fake.script("embed", Answer(envelope={"data": [{"index": 0, "embedding": [1.0]}]}))
    response = await embedded(client, input=["a", "b"])

    assert (response.status, "1 vectors for 2" in await response.text()) == (502, True)


async def test_an_upstream_without_usage_is_estimated_with_no_output(client, fake, book):
    fake.script("embed", Answer(usage="none"))
    assert (await embedded(client)).status == 200
    (row,) = book.rows
    assert (row.usage_grade, row.output_tokens, row.cost_grade) == ("estimated", 0, "estimated")
    assert row.cost_bound >= row.cost > 0


async def test_many_short_texts_fit_where_one_long_does_not(client, book):
    many = await embedded(client, model="auto:one", input=["x" * 200] * 8)
    long = await embedded(client, model="auto:one", input=["x" * 2000])

    assert (many.status, long.status) == (200, 400)
    assert (book.rows[0].prompt_tokens > 400, book.rows[0].longest_tokens) == (True, 54)


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("completions", {"model": "writer"}, "prompt"),
        ("completions", {"model": "writer", "prompt": []}, "prompt"),
        ("completions", {"model": "writer", "prompt": ["a", 1]}, "prompt"),
        ("completions", {"model": "writer", "prompt": [[]]}, "prompt"),
        ("completions", {"model": "writer", "prompt": "a", "n": 2, "best_of": 1}, "best_of"),
        ("completions", {"model": "writer", "prompt": "a", "logprobs": True}, "logprobs"),
        ("embeddings", {"model": "embed"}, "input"),
        ("embeddings", {"model": "embed", "input": {}}, "input"),
        ("embeddings", {"model": "embed", "input": ["a"] * 2049}, "input"),
        ("embeddings", {"model": "embed", "input": "a", "encoding_format": "int8"}, "encoding_format"),
        ("embeddings", {"model": "embed", "input": "a", "stream": True}, "stream"),
        ("embeddings", {"input": "a"}, "model"),
    ],
)
async def test_a_wrong_field_is_named(client, fake, path, body, param):
    response = await client.post(f"/v1/{path}", json=body)

    assert (response.status, (await response.json())["error"]["param"]) == (400, param)
    assert fake.requests == []


async def test_several_prompts_and_choices_are_told_apart(client, fake):
    answer = await (await completed(client, prompt=["One", "Two"], n=2)).json()

    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert [choice["text"][-3:] for choice in answer["choices"]] == ["One", "One", "Two", "Two"]


async def test_tokens_go_to_the_model_that_was_named(client, fake, book):
    assert (await completed(client, prompt=[[1, 2, 3], [4, 5]])).status == 200
    assert fake.requests[0].body["prompt"] == [[1, 2, 3], [4, 5]]
    assert (book.rows[0].longest_tokens, book.rows[0].choices) == (3, 2)


async def test_what_may_come_later_is_taken_and_an_id_comes_at_once(client, fake, later):
    response = await completed(client, background=True)

    assert (response.status, await response.json()) == (202, {"id": "bg_1", "endpoint": "/completions"})
    assert [request.lane for request in later.taken] == [Lane.BACKGROUND]
    assert fake.requests == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"background": True, "stream": True}, "stream"),
        ({"background": "yes"}, "background"),
        ({"background": True, "model": "nobody"}, "model"),
    ],
)
async def test_what_cannot_come_later_is_refused_at_once(client, later, body, param):
    response = await completed(client, **body)

    assert (await response.json())["error"]["param"] == param
    assert (response.status >= 400, later.taken) == (True, [])
