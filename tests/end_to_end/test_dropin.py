"""Official clients, the newest there are, against the real server: they notice nothing but the price."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.end_to_end.dropin.house import KEY, UPSTREAM_KEY, configuration
from tests.support.clients import openai_node, openai_python
from tests.support.fake_upstream import FakeUpstream
from tests.support.ledger import rows
from tests.support.server import REPOSITORY, Server, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

LINE = re.compile(r"^(ok|not ok) \d+ - (.*?)(?: # (.*))?$", re.MULTILINE)
NODE_SUITE = REPOSITORY / "tests" / "end_to_end" / "dropin" / "openai_node.mjs"
LEFT_EARLY = "left-in-mid-stream"
LEAST = 40


async def test_openai_python_notices_nothing(tmp_path: Path, subtests: pytest.Subtests) -> None:
    interpreter = await asyncio.to_thread(openai_python)
    async with house(tmp_path) as (server, fake):
        suite = [str(interpreter), "-m", "tests.end_to_end.dropin.openai_python"]
        report = await visit([*suite, server.base, KEY, UPSTREAM_KEY, fake])

    assert_all_passed(report, subtests)
    assert {row["status"] for row in rows(server.data) if row["request_id"].startswith(LEFT_EARLY)} == {
        "cancelled"
    }


async def test_openai_node_notices_nothing(tmp_path: Path, subtests: pytest.Subtests) -> None:
    folder = await asyncio.to_thread(openai_node)
    async with house(tmp_path) as (server, fake):
        suite = ["node", str(NODE_SUITE), str(folder)]
        report = await visit([*suite, server.base, KEY, UPSTREAM_KEY, fake])

    assert_all_passed(report, subtests)
    assert {row["status"] for row in rows(server.data) if row["request_id"].startswith(LEFT_EARLY)} == {
        "cancelled"
    }


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[tuple[Server, str]]:
    """Run fake upstream and server; in the end the server stops in order and has not stumbled."""
    async with FakeUpstream() as fake:
        with running(configuration(fake.url), folder) as server:
            yield server, fake.url.removesuffix("/v1")
            status = await asyncio.to_thread(server.stop)
            assert status == 0, server.log
            assert "Traceback" not in server.log, server.log
            assert UPSTREAM_KEY not in server.log


async def visit(command: list[str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told, _ = await asyncio.wait_for(process.communicate(), 400)
    return told.decode()


def assert_all_passed(report: str, subtests: pytest.Subtests) -> None:
    sys.stdout.write(report)
    lines = LINE.findall(report)
    assert len(lines) >= LEAST, report
    for verdict, name, reason in lines:
        with subtests.test(msg=name):
            assert verdict == "ok", reason
