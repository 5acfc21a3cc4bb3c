"""Outcomes that users tell: of their own requests alone, and a wrong one is a clear error."""

from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from router.ids import Ids
from router.outcomes import OutcomeRoutes, Recent
from router.types import Outcome, Principal
from tests.support.world import FakeClock, features, request

IDS = Ids(b"secret")


def answered(request_id, key="alice"):
    asked = replace(request(), id=request_id, principal=Principal(key=key))
    return Outcome(request=asked, features=features({}), policy="p", config="c", refused={}, attempts=())


@pytest.fixture
async def client():
    app, recent, told = web.Application(), Recent(most=2), []
    routes = OutcomeRoutes(IDS, recent, FakeClock(), told.extend)
    routes.add(app, "/v1", lambda http: Principal(key=http.headers.get("key", "alice")))
    client = TestClient(TestServer(app))
    await client.start_server()
    client.recent, client.told = recent, told
    yield client
    await client.close()


async def post(client, body, **headers):
    response = await client.post("/v1/farthing/outcomes", json=body, headers=headers)
    return response.status, await response.json()


async def test_an_outcome_is_written_down_with_the_id_of_the_request(client):
    made = IDS.new("", "alice")
    status, said = await post(client, {"request_id": made, "outcome": "accepted", "score": 0.5})
    assert (status, said["recorded"]) == (200, 1)
    (row,) = client.told
    assert (row.request_id, row.verdict, row.score, row.key, row.source) == (
        made,
        "pass",
        0.5,
        "alice",
        "accepted",
    )


async def test_the_id_of_an_answer_is_taken_too_and_several_at_once(client):
    made = IDS.new("mine", "alice")
    rows = [
        {"request_id": f"chatcmpl-{made}", "outcome": "regenerated"},
        {"request_id": made, "score": 1},
        {"request_id": made, "outcome": "test_failed"},
    ]
    assert (await post(client, {"outcomes": rows}))[1]["recorded"] == 3
    assert (await post(client, rows))[1]["recorded"] == 3
    assert [row.verdict for row in client.told] == ["fail", None, "fail"] * 2


async def test_a_callers_own_id_is_known_to_the_worker_that_answered(client):
    first, second = IDS.new("mine", "alice"), IDS.new("mine", "alice")
    for made in (first, second):
        client.recent.follow(answered(made))
    await post(client, {"request_id": "mine", "outcome": "accepted"})
    assert [row.request_id for row in client.told] == [second]
    for other in ("a", "b"):
        client.recent.follow(answered(IDS.new(other, "alice")))
    assert (await post(client, {"request_id": "mine", "outcome": "accepted"}))[0] == 404


async def test_nobody_tells_outcomes_of_anothers_request(client):
    made = IDS.new("", "alice")
    status, said = await post(client, {"request_id": made, "outcome": "accepted"}, key="mallory")
    assert (status, said["error"]["code"]) == (404, "request_not_found")
    assert client.told == []


@pytest.mark.parametrize(
    ("row", "status", "param"),
    [
        ({"request_id": "0" * 32, "outcome": "accepted"}, 404, "outcomes[0].request_id"),
        ({"request_id": 7, "outcome": "accepted"}, 400, "outcomes[0].request_id"),
        ({"outcome": "accepted"}, 400, "outcomes[0].request_id"),
        ({"request_id": "MADE", "outcome": "great"}, 400, "outcomes[0].outcome"),
        ({"request_id": "MADE", "score": 1.5}, 400, "outcomes[0].score"),
        ({"request_id": "MADE", "score": True}, 400, "outcomes[0].score"),
        ({"request_id": "MADE"}, 400, "outcomes[0]"),
        ({"request_id": "MADE", "outcome": "accepted", "text": "x"}, 400, "outcomes[0]"),
        ("accepted", 400, "outcomes[0]"),
        ([], 400, "outcomes"),
    ],
)
async def test_a_wrong_outcome_is_a_clear_error_and_nothing_is_written(client, row, status, param):
    if isinstance(row, dict) and row.get("request_id") == "MADE":
        row["request_id"] = IDS.new("", "alice")
    got, said = await post(client, row)
    assert (got, said["error"]["param"]) == (status, param)
    assert client.told == []


async def test_a_body_that_is_no_json_is_a_clear_error(client):
    response = await client.post("/v1/farthing/outcomes", data=b"{")
    assert response.status == 400
