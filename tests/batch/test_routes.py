"""Files and batches over HTTP, as OpenAI's clients use them."""

import json
from errno import ENOSPC

import pytest
from aiohttp import FormData, web

from batch.jobs import Line, Move, Result, State
from batch.routes import BatchRoutes
from batch.shelf import FolderShelf
from batch.sqlite import SQLiteStore
from router.errors import NotAuthorized
from router.types import Principal, Role, Scopes
from tests.support.world import FakeClock

LINE = json.dumps(
    {
        "custom_id": "a",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "m", "messages": [1]},
    }
).encode()


KEYS = {
    "auditor": {"role": Role.AUDITOR},
    "quick": {"scopes": Scopes(lanes=frozenset({"interactive"}))},
    "vectors": {"scopes": Scopes(dialects=frozenset({"embeddings"}))},
}


def identify(http: web.Request) -> Principal:
    key = http.headers.get("Authorization", "").removeprefix("Bearer ")
    if not key:
        raise NotAuthorized
    return Principal(key=key, **KEYS.get(key, {}))


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def store(tmp_path):
    return SQLiteStore(tmp_path)


@pytest.fixture
async def client(aiohttp_client, tmp_path, clock, store):
    app = web.Application()
    routes = BatchRoutes(store, FolderShelf(tmp_path / "files", largest=1000), clock=clock)
    routes.add(app, "/v1", identify)
    return await aiohttp_client(app, headers={"Authorization": "Bearer k1"})


async def upload(client, content: bytes = LINE, purpose: str = "batch", **fields):
    form = FormData()
    form.add_field("file", content, filename="in.jsonl")
    form.add_field("purpose", purpose)
    for name, value in fields.items():
        form.add_field(name, value)
    return await client.post("/v1/files", data=form)


async def batch(client, **fields):
    file_id = (await (await upload(client)).json())["id"]
    body = {
        "input_file_id": file_id,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        **fields,
    }
    return await client.post("/v1/batches", json=body)


async def test_an_uploaded_file_can_be_read_listed_and_deleted(client):
    file = await (await upload(client)).json()

    assert (file["bytes"], file["filename"], file["status"]) == (len(LINE), "in.jsonl", "processed")
    assert await (await client.get(f"/v1/files/{file['id']}/content")).read() == LINE
    assert (await (await client.get("/v1/files")).json())["data"] == [file]
    assert (await (await client.delete(f"/v1/files/{file['id']}")).json())["deleted"] is True
    assert (await client.get(f"/v1/files/{file['id']}")).status == 404


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"purpose": "fine-tune"}, "purpose"),
        ({"purpose": ""}, "purpose"),
        ({"expires_after[seconds]": "soon"}, "expires_after"),
        ({"expires_after[anchor]": "now", "expires_after[seconds]": "7200"}, "expires_after"),
    ],
)
async def test_a_wrong_form_is_a_clear_error_and_leaves_nothing(client, tmp_path, fields, param):
    response = await upload(client, **fields)

    assert response.status == 400
    assert (await response.json())["error"]["param"] == param
    assert list((tmp_path / "files").iterdir()) == []


async def test_too_large_a_file_is_refused_and_leaves_nothing(client, tmp_path):
    response = await upload(client, b"x" * 1001)

    assert response.status == 413
    assert list((tmp_path / "files").iterdir()) == []


async def test_a_disk_without_room_is_said_to_be_that_and_leaves_nothing(client, tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fdatasync", full)
    response = await upload(client)

    assert response.status == 503
    assert "no room" in (await response.json())["error"]["message"]
    assert list((tmp_path / "files").iterdir()) == []


async def test_a_file_whose_time_is_over_is_not_there_any_more(client, clock):
    file = await (await upload(client, **{"expires_after[seconds]": "3600"})).json()
    kept = await (await upload(client)).json()
    assert file["expires_at"] == file["created_at"] + 3600

    clock.at += 3600

    for path in (f"/v1/files/{file['id']}", f"/v1/files/{file['id']}/content"):
        assert (await client.get(path)).status == 404
    assert [one["id"] for one in (await (await client.get("/v1/files")).json())["data"]] == [kept["id"]]


async def test_a_body_that_is_no_form_is_a_clear_error(client):
    assert (await client.post("/v1/files", json={})).status == 400
    response = await client.post(
        "/v1/files", data=b"--x\r\nbroken", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert response.status == 400


async def test_a_name_that_is_no_text_is_taken_as_far_as_it_can_be_read(client):
    form = (
        b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--x\r\n'
        b'Content-Disposition: form-data; name="file"; filename="caf\xe9.jsonl"\r\n\r\n{}\r\n--x--\r\n'
    )
    response = await client.post(
        "/v1/files", data=form, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )

    assert (response.status, (await response.json())["filename"]) == (200, "caf?.jsonl")


@pytest.mark.parametrize("limit", ["0", "-1", "x", "101000", "00000000199999", "1" * 30, "9" * 5000])
@pytest.mark.parametrize("what", ["files", "batches"])
async def test_a_page_has_a_size_within_bounds(client, what, limit):
    response = await client.get(f"/v1/{what}?limit={limit}")

    assert (response.status, (await response.json())["error"]["param"]) == (400, "limit")


async def test_a_batch_is_taken_at_once_and_can_be_cancelled(client):
    created = await (await batch(client, metadata={"team": "a"})).json()

    assert (created["status"], created["object"], created["metadata"]) == (
        "validating",
        "batch",
        {"team": "a"},
    )
    assert created["expires_at"] == created["created_at"] + 86_400
    cancelled = await (await client.post(f"/v1/batches/{created['id']}/cancel")).json()
    assert cancelled["status"] == "cancelling"
    again = await client.post(f"/v1/batches/{created['id']}/cancel")
    assert again.status == 200


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input_file_id": 3}, "input_file_id"),
        ({"input_file_id": "file-none"}, "file_id"),
        ({"endpoint": "/v1/images"}, "endpoint"),
        ({"endpoint": ["x"]}, "endpoint"),
        ({"completion_window": "forever"}, "completion_window"),
        ({"completion_window": "90d"}, "completion_window"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 60}}, "output_expires_after"),
        ({"output_expires_after": {"anchor": "now", "seconds": 7200}}, "output_expires_after"),
        ({"output_expires_after": 7200}, "output_expires_after"),
        ({"metadata": {"farthing_max_cost_usd": "-1"}}, "metadata"),
    ],
)
async def test_a_wrong_batch_names_the_field(client, fields, param):
    response = await batch(client, **fields)

    assert response.status in {400, 404}
    assert (await response.json())["error"]["param"] == param


async def test_nobody_sees_or_touches_the_work_of_another_key(client):
    created = await (await batch(client)).json()
    other = {"Authorization": "Bearer k2"}

    for method, path in [
        ("GET", f"/v1/batches/{created['id']}"),
        ("POST", f"/v1/batches/{created['id']}/cancel"),
        ("POST", f"/v1/batches/{created['id']}/retry"),
        ("GET", f"/v1/files/{created['input_file_id']}"),
        ("GET", f"/v1/files/{created['input_file_id']}/content"),
        ("DELETE", f"/v1/files/{created['input_file_id']}"),
    ]:
        assert (await client.request(method, path, headers=other)).status == 404, path
    assert (await (await client.get("/v1/batches", headers=other)).json())["data"] == []
    assert (await client.get("/v1/batches", headers={"Authorization": ""})).status == 401


@pytest.mark.parametrize(("key", "takes_files"), [("auditor", False), ("quick", True), ("vectors", True)])
async def test_a_key_that_is_for_none_of_its_lines_makes_no_batch(client, key, takes_files):
    client.session.headers["Authorization"] = f"Bearer {key}"
    uploaded = await upload(client)
    file_id = (await uploaded.json()).get("id", "file-x")
    body = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}

    assert uploaded.status == (200 if takes_files else 403)
    assert (await client.post("/v1/batches", json=body)).status == 403


async def test_what_is_not_there_is_said_to_be_no_model(client):
    errors = [
        (await (await client.get(path)).json())["error"]
        for path in ("/v1/files/file-x", "/v1/batches/batch_x")
    ]

    assert [error["code"] for error in errors] == ["not_found", "not_found"]


async def test_a_batch_whose_file_is_gone_is_not_tried_again(client, store):
    created = await (await batch(client)).json()
    store.begin(created["id"], [Line(number=1, custom_id="a", offset=0, length=1)], at=1)
    (claim,) = store.claim("w", 1)
    store.complete([(claim, Result(status=500, body=b"{}", request_id="r"))])
    store.move(created["id"], Move(before=(State.IN_PROGRESS,), state=State.COMPLETED, at=2))
    await client.delete(f"/v1/files/{created['input_file_id']}")

    response = await client.post(f"/v1/batches/{created['id']}/retry")

    assert response.status == 400
    assert "input file is not there" in (await response.json())["error"]["message"]


async def test_a_file_that_a_running_batch_reads_is_not_deleted(client):
    created = await (await batch(client)).json()

    assert (await client.delete(f"/v1/files/{created['input_file_id']}")).status == 400


async def test_only_a_batch_that_is_over_can_be_tried_again(client):
    created = await (await batch(client)).json()

    response = await client.post(f"/v1/batches/{created['id']}/retry")

    assert response.status == 400
    assert str(State.VALIDATING) in (await response.json())["error"]["message"]


async def test_lists_come_in_pages(client):
    ids = [(await (await batch(client)).json())["id"] for _ in range(3)]

    page = await (await client.get("/v1/batches?limit=2")).json()

    assert [one["id"] for one in page["data"]] == ids[:0:-1]
    assert page["has_more"] is True
    rest = await (await client.get(f"/v1/batches?limit=2&after={page['last_id']}")).json()
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == (ids[:1], False)
    assert (await client.get("/v1/batches?limit=zero")).status == 400
