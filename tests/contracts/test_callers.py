"""What everyone who waits for a streamed answer keeps to: the one over HTTP, and the one of the tests."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from router.answers import StreamedAnswer
from router.dialects import DIALECTS
from router.seams import Caller
from router.types import Decision, Delta, Outcome
from tests.support.world import Ear, features, model, request

DECISION = Decision(model=model("small"), reason="cheapest adequate")
OVER = Outcome(
    request=request(), features=features({}), policy="default", config="c", refused={}, attempts=()
)
DELTAS = (Delta(role="assistant", text="Hel"), Delta(text="lo"))


async def tell(caller: Caller) -> None:
    await caller.send(DELTAS[:1], DECISION, 1)
    await caller.send(DELTAS[1:], DECISION, 1)


async def test_the_one_of_the_tests_hears_all_in_order():
    ear = Ear()
    await tell(ear)
    assert (ear.text, ear.models) == ("Hello", ["small", "small"])


@pytest.mark.parametrize("dialect", [DIALECTS["chat"], DIALECTS["completions"]], ids=lambda one: one.name)
async def test_the_first_thing_said_fixes_the_headers_and_all_of_it_arrives_in_order(dialect):
    async def handler(http: web.Request) -> web.StreamResponse:
        asked = request(stream=True)
        renderer = dialect.renderer(asked, created=0)
        async with StreamedAnswer(http, asked, renderer, keepalive=60) as caller:
            assert not caller.begun
            await tell(caller)
            assert caller.begun
            return await caller.finish(OVER)

    app = web.Application()
    app.router.add_get("/", handler)
    async with TestClient(TestServer(app)) as client, client.get("/") as response:
        heard = await response.text()
    assert response.headers["x-farthing-model"] == "small"
    assert heard.index('"Hel"') < heard.index('"lo"')
