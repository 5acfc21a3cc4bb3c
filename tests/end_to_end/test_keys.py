"""Keys, as an operator makes and ends them while the server serves."""

import subprocess
import sys
import time

import pytest
import requests

from tests.support.server import REPOSITORY, running

pytestmark = pytest.mark.e2e

CONFIG = """
auth: keys
server: {workers: 3}
upstreams: {sim: {kind: simulated}}
models: [{name: small, upstream: sim, price: {input: 1, output: 2}}]
"""

WITHIN = 2.0


def farthing(server, *words: str) -> str:
    command = [sys.executable, "-m", "router", "keys", "--config", str(server.config), *words]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()


def statuses(server, key: str, number: int = 30) -> set[int]:
    """What callers are told on as many connections, which fall to all the workers."""
    headers = {"Authorization": f"Bearer {key}", "Connection": "close"}
    url = f"{server.url}/models"
    return {requests.get(url, headers=headers, timeout=10).status_code for _ in range(number)}


def test_a_key_works_and_ends_within_two_seconds_in_every_worker(tmp_path):
    with running(CONFIG, tmp_path) as server:
        assert statuses(server, "anything", 1) == {401}
        first = farthing(server, "create", "alice", "--limit", "5 usd/day")
        time.sleep(WITHIN)
        assert statuses(server, first) == {200}
        second = farthing(server, "rotate", "alice", "--grace", "0s")
        time.sleep(WITHIN)
        assert (statuses(server, first, 10), statuses(server, second)) == ({401}, {200})
        farthing(server, "revoke", "alice")
        time.sleep(WITHIN)
        assert statuses(server, second) == {401}
        assert "farthing keys create" in server.log, "a server without keys says how to make one"
