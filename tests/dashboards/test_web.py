"""The dashboard's door, its files and its reports, as a browser asks for them."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from dashboards.live import Reader
from dashboards.web import FILES, HEADERS, Dashboard
from router.errors import FarthingError
from router.ledger.drain import drain_once
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from tests.support.world import row

KEY = "a-key-of-the-dashboard"


class Answers:
    """A reader that was asked, and says the same each time."""

    def __init__(self, answer=b'{"rows": []}'):
        self.answer, self.asked = answer, []

    async def ask(self, query):
        self.asked.append(query)
        return self.answer


async def no_budgets():
    return []


@asynccontextmanager
async def serving(reader=None, *, key=None, budgets=no_budgets):
    app = web.Application()
    policies = [{"name": "default", "models": ["small"]}]
    for prefix in ("/v1", ""):
        Dashboard(reader or Answers(), lambda: policies, budgets, key).add(app, prefix, lambda _: None)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_it_is_there_for_a_browser_of_this_machine_and_asks_nothing_of_others():
    async with serving() as client:
        page = await client.get("/dashboard")
        text = await page.text()
    assert page.status == 200
    assert "http:" not in text.replace("http://www.w3.org", "")
    assert "https:" not in text
    assert {name: page.headers[name] for name in HEADERS} == dict(HEADERS)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9600", "127.0.0.1.evil.example", "[2001:db8::1]:1"]
)
async def test_a_page_whose_name_was_made_to_point_here_reads_nothing(host):
    async with serving() as client:
        for path in (
            "/dashboard",
            "/dashboard/reports/overview",
            "/dashboard/policies",
            "/dashboard/budgets",
        ):
            assert (await client.get(path, headers={"Host": host})).status == 403


@pytest.mark.parametrize("host", ["127.0.0.1:9600", "localhost", "localhost:1", "[::1]:9600", "127.5.5.5"])
async def test_this_machine_has_many_names(host):
    async with serving() as client:
        assert (await client.get("/dashboard", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "path", ["/dashboard", "/dashboard/", "/dashboard/reports/overview", "/dashboard/policies"]
)
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Cookie": "farthing-dashboard=x"}]
)
async def test_with_a_key_nothing_is_shown_without_it(path, headers):
    async with serving(key=KEY) as client:
        answer = await client.get(path, headers=headers)
        assert answer.status == 401
        assert "tiles" not in await answer.text()


async def test_the_key_opens_it_in_a_header_or_once_in_a_form():
    async with serving(key=KEY) as client:
        for headers in ({"Authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}):
            assert (await client.get("/dashboard/policies", headers=headers)).status == 200
        wrong = await client.post("/dashboard/login", data={"key": "wrong"})
        assert wrong.status == 401
        right = await client.post("/dashboard/login", data={"key": KEY}, allow_redirects=False)
        assert (right.status, right.headers["Location"]) == (303, "/dashboard")
        cookie = right.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert KEY not in cookie
        told = right.cookies["farthing-dashboard"].value
        headers = {"Cookie": f"farthing-dashboard={told}"}
        assert (await client.get("/dashboard", headers=headers)).status == 200


@pytest.mark.parametrize("name", FILES)
async def test_its_files_are_our_own(name):
    async with serving() as client:
        answer = await client.get(f"/dashboard/{name}")
        assert (answer.status, answer.content_type) == (200, FILES[name])


async def test_a_report_is_asked_for_as_the_address_says():
    reader = Answers()
    async with serving(reader) as client:
        await client.get("/dashboard/reports/spend?by=team&since=7d&where=model=a&where=cost>1&other=x")
    assert reader.asked == [{"report": "spend", "by": "team", "since": "7d", "where": ["model=a", "cost>1"]}]


async def test_what_cannot_be_asked_for_is_a_sentence():
    async with serving(Answers(b'{"problem": "There is no report."}')) as client:
        answer = await client.get("/dashboard/reports/x")
        assert (answer.status, await answer.json()) == (400, {"error": {"message": "There is no report."}})


@pytest.fixture
def data(tmp_path):
    spool = Spool(tmp_path / "spool", "w")
    spool.write([row(model="<script>alert(1)</script>"), row(request_id="r2", model="b", status="failed")])
    spool.close()
    drain_once(Ledger(tmp_path))
    return tmp_path


async def test_one_process_reads_for_everybody_and_is_asked_once_a_second(data):
    now = [100.0]
    reader = Reader(data, None, lambda: now[0])
    try:
        answers = await asyncio.gather(*(reader.ask({"report": "models"}) for _ in range(5)))
        assert len(set(answers)) == 1
        assert b"<script" not in answers[0]
        process = reader._process
        assert "chart" in json.loads(answers[0])
        assert b'{"problem": "There is no report' in await reader.ask({"report": "no"})
        assert reader._process is process
        now[0] += 1000
        await reader.rest()
        assert process.returncode is not None
        assert json.loads(await reader.ask({"report": "overview"}))["rows"][0]["requests"] == 2
    finally:
        await reader.close()


async def test_a_process_that_dies_is_followed_by_another(data):
    reader = Reader(data, None, lambda: 0.0)
    try:
        await reader.ask({"list": True})
        reader._process.kill()
        await reader._process.wait()
        assert b"overview" in await reader.ask({"list": True, "again": 1})
    finally:
        await reader.close()


async def test_a_process_that_cannot_start_is_a_sentence(tmp_path):
    reader = Reader(tmp_path, None, lambda: 0.0)
    reader._words = ["no-such-command"]
    with pytest.raises(FarthingError):
        await reader.ask({"list": True})


async def test_budgets_are_told_as_a_table_that_may_be_empty():
    async def budgets():
        return [{"budget": "team", "spent": "$1"}]

    async with serving() as none, serving(budgets=budgets) as some:
        empty = await (await none.get("/dashboard/budgets")).json()
        told = await (await some.get("/dashboard/budgets")).json()

    assert (empty["columns"], empty["rows"]) == ([], [])
    assert (told["columns"], told["rows"]) == (["budget", "spent"], await budgets())
