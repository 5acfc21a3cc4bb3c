"""Own traffic moves decisions: a running server follows what came of its answers, without a restart."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from router.ledger.store import Ledger, reading
from tests.support.server import REPOSITORY, running

pytestmark = pytest.mark.e2e

# By their facts the small one is nearly as good and much cheaper; on this traffic it fails.
CONFIG = """
upstreams:
  sim: {kind: simulated, first_token_ms: 0}
models:
  - {name: qwen3-14b, upstream: sim, price: {input: 0.05, output: 0.10}, context_window: 32768, params_b: 14}
  - {name: qwen3-32b, upstream: sim, price: {input: 0.50, output: 1.00}, context_window: 32768, params_b: 32}
policies:
  default: {quality: 0.85, checks: []}
"""


def ask(server, number, text="What is a good name for cat {}?", model="auto"):
    said = [{"role": "user", "content": text.format(number)}]
    body = {"model": model, "messages": said}
    answer = requests.post(f"{server.url}/chat/completions", json=body, timeout=30)
    assert answer.status_code == 200
    return answer.headers["x-farthing-model"], answer.headers["x-request-id"]


def tell(server, outcomes):
    told = [{"request_id": request, "score": score} for request, score in outcomes]
    answer = requests.post(f"{server.url}/farthing/outcomes", json={"outcomes": told}, timeout=30)
    assert answer.json()["recorded"] == len(told)


def until(condition, *, within=60.0):
    end = time.monotonic() + within
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


def poem_or_code(server, number):
    """Ask one of the two models for one of the two; the small one can poems, the large one code."""
    poem, small = number % 2 == 0, number % 4 < 2
    text = "Write a poem about {} seas." if poem else "Write `def f(x): return x * {}` and its unit tests."
    _, request = ask(server, number, text, "qwen3-14b" if small else "qwen3-32b")
    return request, float(poem == small)


def outcomes(server):
    with reading(Ledger(server.data)) as connection:
        return connection.execute("SELECT count(*) FROM outcomes JOIN ledger USING (request_id)").fetchone()[
            0
        ]


@pytest.mark.timeout(180)
def test_what_is_trained_on_own_traffic_is_taken_and_given_back(tmp_path):
    with running(CONFIG, tmp_path) as server:
        config = ("--config", str(server.config))
        with ThreadPoolExecutor(8) as pool:
            tell(server, pool.map(lambda number: poem_or_code(server, number), range(480)))
        until(lambda: outcomes(server) == 480)
        assert "In force: version 1." in farthing("train", *config)
        assert "0001.npz (trained here)" in standing(*config)
        assert "In force again: the shipped classifier." in farthing("train", "--rollback", *config)
        assert "trained here" not in standing(*config)


PLACED = """
upstreams:
  sim: {kind: simulated, first_token_ms: 0, tokens_per_second: 1000000, tasks: tasks.yaml}
models:
  - {name: zork, upstream: sim, price: {input: 0.05, output: 0.10}, simulated: {ability: 9}}
  - {name: plugh, upstream: sim, price: {input: 0.50, output: 1.00}, simulated: {ability: 0}}
policies:
  default: {quality: 0.97, checks: []}
"""


def farthing(*words):
    done = subprocess.run(
        [sys.executable, "-m", "router", *words], check=False, cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def standing(*words):
    """What is in force; the shipped classifier promised more than came, so in the end an alarm stands."""
    told = [sys.executable, "-m", "router", "difficulty", "status", *words]
    done = subprocess.run(told, check=False, cwd=REPOSITORY, capture_output=True, text=True)
    alarm = "worse than promised" in " ".join(done.stdout.split())
    assert done.returncode == int(alarm), done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(180)
def test_a_model_that_is_placed_better_gets_the_traffic_at_once(tmp_path):
    farthing("calibrate", "--write-tasks", str(tmp_path / "tasks.yaml"), "--prompts", "6")
    with running(PLACED, tmp_path) as server:
        assert ask(server, 1)[0] == "plugh", "by its price it is thought to be better"
        told = json.loads(
            farthing("calibrate", "zork", "--config", str(server.config), "--prompts", "32", "--json")
        )
        assert told["ability"] > told["before"]["ability"]
        until(lambda: ask(server, 2)[0] == "zork")
        (placed,) = json.loads(farthing("difficulty", "status", "--config", str(server.config), "--json"))[
            "placed"
        ]
        assert (placed["model"], placed["prompts"]) == ("zork", 32)


def test_outcomes_move_decisions_without_a_restart(tmp_path):
    with running(CONFIG, tmp_path) as server:
        asked = [ask(server, number) for number in range(40)]
        assert {model for model, _ in asked} == {"qwen3-14b"}
        tell(server, [(request, 0.0) for _, request in asked])
        until(lambda: ask(server, 99)[0] == "qwen3-32b")
        assert (server.data / "difficulty" / "local.json").exists()


@pytest.mark.timeout(180)
def test_an_interrupted_calibration_keeps_what_was_learnt(tmp_path):
    farthing("calibrate", "--write-tasks", str(tmp_path / "tasks.yaml"), "--prompts", "6")
    config = tmp_path / "farthing.yaml"
    config.write_text(
        f"data: {tmp_path / 'data'}\n{PLACED.replace('first_token_ms: 0', 'first_token_ms: 500')}"
    )
    words = ["calibrate", "zork", "--config", str(config), "--prompts", "900", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "router", *words], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    spool = tmp_path / "data" / "spool"
    until(lambda: sum(len(path.read_bytes().splitlines()) for path in spool.glob("calibrate-*")) > 20)
    process.send_signal(signal.SIGINT)
    told = json.loads(process.communicate(timeout=60)[0])
    assert told["ended_early"] == "interrupted"
    assert 8 <= told["prompts"] < 900
    status = json.loads(farthing("difficulty", "status", "--config", str(config), "--json"))
    assert status["placed"][0]["prompts"] == told["prompts"]
