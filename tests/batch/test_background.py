"""`background: true`: an id at once, an answer later, for nobody but whoever asked."""

import asyncio
import json
from dataclasses import replace

import orjson
import pytest
from aiohttp import web

from batch.background import KEPT, WITHIN, Background
from batch.broom import Broom
from batch.claiming import Meal
from batch.jobs import Batch, Claim, Result, State
from batch.runner import Runner
from batch.shelf import FolderShelf
from batch.sqlite import SQLiteStore
from router.dialects import DIALECTS
from router.errors import BadRequest
from router.http import status_of
from router.types import DOLLAR, Lane, Limits, Principal
from tests.support.world import FakeClock

BODY = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}], "background": True, "stream": False}


class World:
    """A place for later, someone who asks, and a runner that comes by."""

    def __init__(self, folder):
        self.clock, self.seen = FakeClock(), []
        self.store, self.shelf = SQLiteStore(folder), FolderShelf(folder / "files")
        self.background = Background(self.store, self.shelf, clock=self.clock)
        self.result = Result(status=200, body=b'{"choices":[1]}', request_id="r", model="m", cost=DOLLAR)

    async def defer(self, key="k1", **fields):
        request = DIALECTS["chat"].parse(orjson.dumps(BODY), request_id="r", principal=Principal(key=key))
        return await self.background.defer(replace(request, **fields), DIALECTS["chat"])

    async def answer(self, batch: Batch, claim: Claim, raw: bytes) -> Result:
        self.seen.append((batch, json.loads(raw)))
        return self.result

    async def work(self, batch_id: str) -> None:
        """Let a runner work until the request is over."""
        stop = asyncio.Event()
        claims: dict[str, Claim] = {}
        runner = Runner(
            self.store,
            self.shelf,
            self.answer,
            clock=self.clock,
            worker="w",
            meal=lambda: Meal(1 - len(claims)),
            claims=claims,
        )
        task = asyncio.ensure_future(runner.run(stop))
        async with asyncio.timeout(20):
            while not self.store.batch(batch_id).state.over:  # noqa: ASYNC110 - it is not told
                await asyncio.sleep(0)
        stop.set()
        await task


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
async def client(aiohttp_client, world):
    app = web.Application()
    world.background.add(app, "/v1", lambda http: Principal(key=http.headers.get("key", "k1")))
    return await aiohttp_client(app)


async def polled(client, told, key="k1", verb="get", path=""):
    url = f"/v1/farthing/background/{told['id']}{path}"
    response = await getattr(client, verb)(url, headers={"key": key})
    return response.status, await response.json()


async def test_it_is_queued_then_answered(world, client):
    told = await world.defer()
    before = await polled(client, told)
    await world.work(told["id"])
    status, after = await polled(client, told)

    assert (told["object"], told["status"]) == ("farthing.background", "queued")
    assert before == (200, told)
    assert (status, after["status"], after["status_code"]) == (200, "completed", 200)
    assert (after["response"], after["error"]) == ({"choices": [1]}, None)
    assert after["farthing"]["cost_usd"] == "1"
    assert after["expires_at"] - after["created_at"] == KEPT


async def test_it_is_a_batch_of_one_line_in_the_lane_of_its_own(world):
    told = await world.defer(limits=Limits(cost=5), labels={"header:x-data": "secret"})
    await world.work(told["id"])
    ((batch, line),) = world.seen

    assert (batch.lane, batch.window, batch.max_cost) == (Lane.BACKGROUND, WITHIN, 5)
    assert batch.labels == {"header:x-data": "secret"}, "policies may ask for what a header said"
    assert line["body"] == {"model": "auto", "messages": BODY["messages"]}, "what is said to us stays here"
    assert world.store.file(batch.input_file).expires == batch.created + KEPT


async def test_what_fails_says_why_as_it_would_have_by_itself(world, client):
    error = BadRequest("No.", param="model")
    body = DIALECTS["chat"].error(status_of(error), error)
    world.result = Result(status=400, body=body, request_id="r")
    told = await world.defer()
    await world.work(told["id"])
    _, after = await polled(client, told)

    assert (after["status"], after["status_code"], after["response"]) == ("failed", 400, None)
    assert (after["error"]["message"], after["error"]["param"]) == ("No.", "model")


async def test_nobody_else_can_see_or_cancel_it(world, client):
    told = await world.defer()

    assert (await polled(client, told, key="k2"))[0] == 404
    assert (await polled(client, told, key="k2", verb="post", path="/cancel"))[0] == 404
    assert (await polled(client, {"id": "batch_1"}))[0] == 404


async def test_what_nobody_has_begun_can_be_cancelled_once(world, client):
    told = await world.defer()
    assert (await polled(client, told, verb="post", path="/cancel"))[0] == 200
    await world.work(told["id"])

    assert (await polled(client, told))[1]["status"] == "cancelled"
    assert world.seen == []
    assert (await polled(client, told, verb="post", path="/cancel"))[0] == 200


async def test_what_is_answered_cannot_be_cancelled(world, client):
    told = await world.defer()
    await world.work(told["id"])
    status, error = await polled(client, told, verb="post", path="/cancel")

    assert (status, error["error"]["message"]) == (400, "A request that is completed cannot be cancelled.")


async def test_what_is_not_begun_within_its_time_is_given_up(world, client):
    told = await world.defer()
    world.clock.at += WITHIN
    await world.work(told["id"])
    _, after = await polled(client, told)

    assert (world.store.batch(told["id"]).state, after["status"]) == (State.EXPIRED, "failed")
    assert world.seen == []


async def test_an_answer_expires(world, client):
    told = await world.defer()
    await world.work(told["id"])
    world.clock.at += KEPT

    assert (await polled(client, told))[0] == 404


async def test_nothing_of_it_is_left_on_the_disk_once_it_has_expired(world, tmp_path):
    world.result = replace(world.result, body=b'{"choices":["a secret answer"]}')
    await world.work((await world.defer())["id"])
    world.clock.at += KEPT + WITHIN

    Broom(world.store, world.shelf, world.clock).sweep()

    said = [path for path in tmp_path.rglob("*") if path.is_file() and b"a secret" in path.read_bytes()]
    assert said == []
