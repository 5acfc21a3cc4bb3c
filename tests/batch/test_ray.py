"""One huge file in blocks: every line once, wherever the blocks are cut and whenever somebody is killed."""

import json

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.ray.asking import Asking
from batch.ray.blocks import Block, Book, Done, Order, split

URL = "/v1/chat/completions"


def asked(number: int, **fields) -> str:
    body = {"model": "m", "messages": [{"role": "user", "content": str(number)}]}
    return json.dumps({"custom_id": f"c{number}", "url": URL, "body": body, **fields})


@given(
    st.lists(st.binary(max_size=12).map(lambda raw: raw.replace(b"\n", b"")), max_size=30), st.integers(1, 50)
)
@settings(max_examples=60)
def test_every_line_is_of_one_block(tmp_path_factory, rows, length):
    path = tmp_path_factory.mktemp("file") / "in.jsonl"
    path.write_bytes(b"\n".join(rows))

    found = [raw for block in split(path.stat().st_size, length) for _, raw in block.lines(path)]

    assert [raw.rstrip(b"\n") for raw in found] == [row for row in rows if row.strip()]


def row(at: int, status: int = 200) -> dict:
    return {"at": at, "custom_id": f"c{at}", "response": {"status_code": status}, "error": None}


def test_what_a_kill_has_torn_is_done_again_and_the_rest_is_not(tmp_path):
    book = Book(tmp_path, Block(start=0, stop=9))
    book.add(row(5))
    book.add(row(2))
    (part,) = tmp_path.glob("*.part")
    part.write_bytes(part.read_bytes() + b'{"at": 7, "cust')

    assert Book(tmp_path, Block(start=0, stop=9)).known() == {2, 5}
    book.add(row(7, status=500))

    assert book.seal() == Done(lines=3, failed=1)
    assert [json.loads(line)["at"] for line in (tmp_path / f"{0:015d}.jsonl").read_text().splitlines()] == [
        2,
        5,
    ]
    assert (book.whole, book.failed, book.known()) == (True, 1, set())


class World:
    """A file of lines in one block, and a server that answers as `statuses` say, first come first served."""

    def __init__(self, folder, rows, *, statuses=()) -> None:
        self.folder, self.statuses, self.requests = folder, list(statuses), []
        (folder / "in.jsonl").write_text("\n".join(rows))
        (folder / "out").mkdir()
        self.most = self.now = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post(URL, self.answer)
        return app

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append((await request.json(), dict(request.headers)))
        status = self.statuses.pop(0) if self.statuses else 200
        headers = {"x-request-id": "r", "Retry-After": "0"}
        return web.json_response({"ok": 1}, status=status, headers=headers)

    def order(self, url: str, **fields) -> Order:
        file, out = self.folder / "in.jsonl", self.folder / "out"
        return Order(file=file, folder=out, url=url, endpoint=URL, at_once=4, run="r1", **fields)

    async def work(self, url: str, **fields) -> Done:
        asking = Asking(self.order(url, **fields))
        try:
            return await asking.work(Block(start=0, stop=(self.folder / "in.jsonl").stat().st_size))
        finally:
            await asking.close()

    def written(self, kind: str = "") -> list[dict]:
        path = self.folder / "out" / f"{0:015d}{kind}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def served(aiohttp_server, tmp_path):
    async def start(rows, **fields):
        world = World(tmp_path, rows, **fields)
        server = await aiohttp_server(world.app())
        return world, f"http://127.0.0.1:{server.port}/v1"

    return start


async def test_lines_are_asked_of_the_server_and_written_in_their_order(served):
    world, url = await served([asked(n) for n in range(9)])

    done = await world.work(url, key="secret")

    assert done == Done(lines=9)
    assert [line["custom_id"] for line in world.written()] == [f"c{n}" for n in range(9)]
    assert world.written()[0]["response"] == {"status_code": 200, "request_id": "r", "body": {"ok": 1}}
    _, headers = world.requests[0]
    assert (headers["x-farthing-lane"], headers["x-farthing-run-id"]) == ("background", "r1")
    assert headers["Authorization"] == "Bearer secret"


async def test_a_bad_line_spoils_nothing_else_and_says_where_it_lies(served):
    world, url = await served([asked(0), "{broken", asked(2), asked(2), asked(4, url="/v1/other")])

    done = await world.work(url)

    assert done == Done(lines=5, failed=3)
    errors = [line["error"] for line in world.written(".errors")]
    assert [error["code"] for error in errors] == ["invalid_json_line", "duplicate_custom_id", "invalid_url"]
    assert errors[0]["message"].startswith(f"Byte {len(asked(0)) + 1}: This is not valid JSON")
    assert len(world.requests) == 2


async def test_what_fails_is_kept_apart_and_asked_once_more_only_when_wanted(served):
    world, url = await served([asked(n) for n in range(3)], statuses=[400])
    assert await world.work(url) == Done(lines=3, failed=1)

    assert await world.work(url) == Done(lines=3, before=3, failed=1)
    assert len(world.requests) == 3

    assert await world.work(url, again=True) == Done(lines=3, before=2)
    assert len(world.requests) == 4
    assert len(world.written()) == 3


async def test_a_busy_server_is_asked_again(served, monkeypatch):
    world, url = await served([asked(0)], statuses=[503, 429])
    monkeypatch.setattr("batch.ray.asking.LONGEST_PAUSE", 0.0)

    assert await world.work(url) == Done(lines=1)
    assert len(world.requests) == 3


async def test_without_a_server_the_block_is_left_as_it_is(tmp_path, monkeypatch):
    world = World(tmp_path, [asked(0)])
    monkeypatch.setattr("batch.ray.asking.LONGEST_PAUSE", 0.0)

    with pytest.raises(Exception, match="does not answer"):
        await world.work("http://127.0.0.1:9/v1")

    assert not (tmp_path / "out" / f"{0:015d}.jsonl").exists()
