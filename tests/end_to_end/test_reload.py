"""A configuration that changes under load: requests end under the one they began with, as their rows say."""

import asyncio
import signal
import time

import aiohttp
import pytest

from router.config import fingerprint, parse
from router.ledger.drain import drain
from router.ledger.store import Ledger, reading
from tests.support.server import running

pytestmark = pytest.mark.e2e

BEFORE = """\
server: {workers: 2}
upstreams: {sim: {kind: simulated, first_token_ms: 300}}
models:
  - {name: small, upstream: sim, price: {input: 1, output: 1}}
  - {name: large, upstream: sim, price: {input: 2, output: 2}}
policies: {default: {models: [small]}}
"""
AFTER = BEFORE.replace("models: [small]", "models: [large]")
BROKEN = BEFORE.replace("models: [small]", "models: [smal]")


async def ask(session, url, heard):
    began = time.monotonic()
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
    async with session.post(f"{url}/chat/completions", json=body) as response:
        assert response.status == 200
        heard.append((began, response.headers["x-farthing-model"]))


async def load(server, seconds):
    """Keep sixteen requests under way; change the file twice, the first time to one that is broken."""
    heard, changed = [], None
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        end, steps = time.monotonic() + seconds, [BROKEN, AFTER]
        while time.monotonic() < end:
            for _ in range(4):
                group.create_task(ask(session, server.url, heard))
            await asyncio.sleep(0.1)
            if steps and time.monotonic() > end - seconds * len(steps) / 3:
                text = f"data: {server.data}\n{steps.pop(0)}"
                await asyncio.to_thread(server.config.write_text, text)
                server.process.send_signal(signal.SIGHUP)
                changed = time.monotonic()
    return heard, changed


def test_every_request_ends_as_it_began_and_its_row_says_under_which_configuration(tmp_path):
    with running(BEFORE, tmp_path) as server:
        heard, changed = asyncio.run(load(server, 12))
        log = server.log
        assert server.stop() == 0
    drain(Ledger(server.data))
    with reading(Ledger(server.data)) as connection:
        rows = connection.execute("SELECT config, model, count(*) FROM ledger GROUP BY ALL").fetchall()
    before, after = (fingerprint(parse(text, environ={})) for text in (BEFORE, AFTER))
    assert {(config, model) for config, model, _ in rows} == {(before, "small"), (after, "large")}
    assert sum(count for *_, count in rows) == len(heard) > 200
    assert all(model == "small" for began, model in heard if began < changed)
    assert "there is no model 'smal'; did you mean 'small'?" in log
