"""`farthing demo` as people run it: a process that starts a server, asks it, and reports."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.ledger import rows
from tests.support.server import REPOSITORY

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

DEMO = [sys.executable, "-m", "router", "demo"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=170, check=False
    )


def test_the_demo_prints_one_object_that_adds_up(tmp_path: Path) -> None:
    done = run("--json", "--data", str(tmp_path), "--seed", "3")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["simulated"] is True
    assert told["problems"] == []
    assert sum(told["answers_per_model"].values()) == told["prompts"] >= 200
    assert told["ledger"]["agrees_with_the_answers"] is True
    assert told["seconds"] < 60
    written = rows(tmp_path)
    assert len(written) == told["ledger"]["rows"]
    assert all(row["simulated"] for row in written)
    spent = sum(row["cost"] for row in written if row["asked"] == "auto")
    assert spent == round(float(told["routing"]["cost_usd"]) * 1e12)
    baseline = [row for row in written if row["tags"] == ["farthing-baseline"]]
    assert {row["asked"] for row in baseline} == set(told["models_alone"])


def test_the_demo_for_people_says_that_it_is_simulated_and_ends_with_the_report() -> None:
    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The models are simulated")
    assert 0 < done.stdout.index("routed by Farthing") < done.stdout.index("Overview")
    assert "Traceback" not in done.stdout + done.stderr


def test_the_proxy_can_be_tried_afterwards_and_stops_with_the_demo(tmp_path: Path) -> None:
    command = [*DEMO, "--serve", "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        line = next(line for line in demo.stdout if line.startswith("Dashboard: "))
        address = line.split()[1].removesuffix("/dashboard")
        body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "What is 17 + 28?"}]})
        asked = urllib.request.Request(f"{address}/v1/chat/completions", data=body.encode())
        with urllib.request.urlopen(asked, timeout=30) as response:
            assert response.headers["x-farthing-model"].startswith("sim-")
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) != 0, "nobody listens there"


def test_a_server_that_cannot_start_is_explained_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "The server of the demo did not start" in done.stderr
    assert "Cannot listen on" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_demo_that_is_told_to_stop_takes_its_server_along(tmp_path: Path) -> None:
    command = [*DEMO, "--serve", "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        line = next(line for line in demo.stdout if line.startswith("Dashboard: "))
        demo.terminate()
        assert demo.wait(60) == 128 + signal.SIGTERM
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(line.split()[1].split(":")[2].split("/")[0]))) != 0
