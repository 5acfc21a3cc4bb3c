"""Processes that die, configurations that change: the server goes on, and nothing outlives it."""

import os
import signal
import time
from pathlib import Path

import pytest
import requests

from tests.support.server import role_of, running

pytestmark = pytest.mark.e2e

CONFIG = """
upstreams:
  sim: {kind: simulated}
models:
  - {name: sim-small, upstream: sim, price: {input: 0.05, output: 0.10}, context_window: 32768}
"""

ANOTHER = "  - {name: sim-other, upstream: sim, price: {input: 0.05, output: 0.10}, context_window: 32768}\n"


def children(pid: int) -> dict[str, int]:
    """The supervisor's children: their command (`worker`, `drain`) and process id."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    roles = {int(child): role_of(int(child)) for child in listed}
    return {role: child for child, role in roles.items() if role is not None}


def until(condition, *, within: float = 20.0):
    """Ask again and again; there is no event to wait for in another process."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def ask(server, model="auto"):
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return requests.post(f"{server.url}/chat/completions", json=body, timeout=30)


def test_a_killed_worker_is_replaced_and_refuses_nobody(tmp_path):
    with running(CONFIG, tmp_path) as server:
        assert ask(server).status_code == 200
        worker = children(server.process.pid)["worker"]
        os.kill(worker, signal.SIGKILL)
        # Asked while there is no worker: the question waits in the supervisor's socket.
        assert ask(server).status_code == 200
        assert children(server.process.pid)["worker"] != worker


def test_a_killed_drainer_is_replaced(tmp_path):
    with running(CONFIG, tmp_path) as server:
        drainer = until(lambda: children(server.process.pid).get("drain"))
        os.kill(drainer, signal.SIGKILL)
        until(lambda: children(server.process.pid).get("drain", drainer) != drainer)


def test_nothing_outlives_a_killed_supervisor(tmp_path):
    with running(CONFIG, tmp_path) as server:
        left = list(children(server.process.pid).values())
        server.kill()
        until(lambda: not any(alive(pid) for pid in left))


def test_a_stop_is_clean_and_prompt(tmp_path):
    with running(CONFIG, tmp_path) as server:
        ask(server)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10


def test_a_changed_file_is_taken_and_a_broken_one_is_not(tmp_path):
    with running(CONFIG, tmp_path) as server:
        assert ask(server, "sim-other").status_code == 404
        right = server.config.read_text()
        server.config.write_text(right + ANOTHER)
        until(lambda: ask(server, "sim-other").status_code == 200)
        server.config.write_text(right + "polices: {}\n")
        until(lambda: "polices" in server.log)
        assert "did you mean 'policies'" in server.log
        assert ask(server, "sim-other").status_code == 200, "the old one stays in force"


def test_several_workers_share_a_port_and_count_together(tmp_path):
    with running(CONFIG, tmp_path, arguments=("--workers", "2")) as server:
        for _ in range(20):
            assert ask(server).status_code == 200
        text = requests.get(f"{server.base}/metrics", timeout=10).text
        counted = [line for line in text.splitlines() if line.startswith("farthing_requests_total")]
        assert sum(float(line.rsplit(" ", 1)[1]) for line in counted) == 20


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (CONFIG.replace("models:", "modles:"), "did you mean 'models'"),
        (f"server: {{host: 0.0.0.0}}\n{CONFIG}", "auth: keys"),
        ("upstreams: {}\n", "models"),
    ],
)
def test_a_wrong_configuration_is_a_sentence_and_no_server(tmp_path, config, said):
    with pytest.raises(AssertionError) as caught, running(config, tmp_path):
        pass
    assert said in "".join(caught.value.__notes__)
    assert "Traceback" not in "".join(caught.value.__notes__)


def test_a_worker_that_starts_while_the_file_is_broken_uses_the_last_right_one(tmp_path):
    with running(CONFIG, tmp_path) as server:
        worker = children(server.process.pid)["worker"]
        server.config.write_text("nonsense: true\n")
        os.kill(worker, signal.SIGKILL)
        assert ask(server).status_code == 200
        assert "The last right configuration is used" in server.log


def test_a_server_opened_to_the_world_is_not_left_without_keys_by_an_edit(tmp_path):
    keyed = f"auth: keys\nkeys: [{{name: a, secret: 0123456789abcdef0123}}]\n{CONFIG}"
    with running(keyed, tmp_path, arguments=("--host", "0.0.0.0")) as server:
        assert ask(server).status_code == 401
        server.config.write_text(server.config.read_text().replace("auth: keys", "auth: none"))
        until(lambda: "The configuration in force is kept" in server.log)
        assert ask(server).status_code == 401


def test_a_worker_that_cannot_start_ends_the_server_with_a_sentence(tmp_path):
    broken = CONFIG.replace("{kind: simulated}", "{kind: hosted, provider: nobody-knows-it}")
    with pytest.raises(AssertionError) as caught, running(broken, tmp_path, within=120):
        pass
    said = "".join(caught.value.__notes__)
    assert "nobody-knows-it" in said
    assert "ends again and again right after its start" in said


def test_no_text_of_a_prompt_or_an_answer_is_kept_anywhere(tmp_path):
    canary = "canary-7f3a9c"
    with running(CONFIG, tmp_path) as server:
        for stream in (False, True):
            messages = [{"role": "user", "content": f"What is {canary}?"}]
            body = {"model": "auto", "stream": stream, "messages": messages}
            answer = requests.post(f"{server.url}/chat/completions", json=body, timeout=30)
            assert "simulated answer" in answer.text
        requests.post(f"{server.url}/chat/completions", data=f'{{"{canary}', timeout=30)
        server.stop()
        kept = [file for file in server.data.rglob("*") if file.is_file()]
        assert any(file.name == "ledger.duckdb" for file in kept)
        for file in kept:
            assert canary.encode() not in file.read_bytes()
            assert b"simulated answer" not in file.read_bytes()
        assert canary not in server.log
