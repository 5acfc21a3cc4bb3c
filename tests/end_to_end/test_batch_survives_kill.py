"""Kill -9 of everybody, again and again, while a batch runs: every line once, every call in the books.

`--batch-lines 5000 --batch-kills 50` is the run of the README's figures; `--batch-seed` repeats one.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from batch.jobs import Batch, State
from batch.place import Place
from batch.sqlite import SQLiteStore
from tests.support.fake_engine import Seen, seen
from tests.support.ledger import rows
from tests.support.server import REPOSITORY, words_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

CONFIG = """
data: {data}
learning: {{enabled: false}}
server: {{shutdown_seconds: 3}}
upstreams:
  own:
    kind: openai
    base_url: "http://127.0.0.1:{own}/v1"
    provider: vllm
    pool:
      serve: {{model: tiny, executable: "{executable}", flags: ["--journal={journal}", "--delay=0.1"]}}
  far: {{kind: openai, base_url: "http://127.0.0.1:{far}/v1"}}
models:
  - {{name: small, upstream: own, price: {{input: 0.02, output: 0.08}}, context_window: 32768}}
  - {{name: large, upstream: far, price: {{input: 0.5, output: 1.5}}, context_window: 32768}}
policies:
  default: {{strategy: cascade, models: [small, large]}}
"""
PRICES = {"small": (20_000, 80_000), "large": (500_000, 1_500_000)}
"""Picodollars a token."""

ROLES = ("supervisor", "worker", "batch runner", "engine", "engine keeper", "drainer")
WEIGHTS = (8, 8, 12, 12, 3, 3)
WORDS = {"worker": b"worker", "batch runner": b"batching", "engine keeper": b"engine", "drainer": b"drain"}
PATIENCE = 90.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class House:
    """A server that is started again whenever it dies, as systemd would, and the fakes it asks."""

    def __init__(self, folder: Path) -> None:
        self.data, self.journals = folder / "data", (folder / "own.jsonl", folder / "far.jsonl")
        self.port, self._far, self._log = free_port(), free_port(), (folder / "log").open("ab")
        self.refused_starts = 0
        executable = folder / "vllm"
        executable.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.support.fake_engine "$@"\n')
        executable.chmod(0o700)
        self._config = folder / "farthing.yaml"
        self._config.write_text(
            CONFIG.format(
                data=self.data,
                own=free_port(),
                far=self._far,
                executable=executable,
                journal=self.journals[0],
            )
        )
        words = ["tests.support.fake_engine", "serve", "large", "--port", str(self._far)]
        self._provider = self._started(*words, "--journal", str(self.journals[1]))
        self._server = self._serve()
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def _started(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", *words], cwd=REPOSITORY, stdout=self._log, stderr=self._log
        )

    def _serve(self) -> subprocess.Popen[bytes]:
        return self._started("router", "serve", "--config", str(self._config), "--port", str(self.port))

    def watch(self) -> None:
        """Start the server again if it has ended."""
        if self._server.poll() is not None:
            self.refused_starts += self._server.returncode > 0
            self._server = self._serve()

    def process(self, role: str) -> int | None:
        """The process that has this role now, if any has."""
        if role == "supervisor":
            return self._server.pid
        if role == "engine":
            with suppress(OSError, ValueError):
                return int((self.data / "engines" / "own.pid").read_text())
            return None
        return next((pid for pid, words in self.processes() if WORDS[role] in words), None)

    def processes(self) -> list[tuple[int, list[bytes]]]:
        """Every process of this house but the provider: its supervisor, their children, the engine."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            words = words_of(int(folder.name))
            if any(str(self.data.parent).encode() in word for word in words) and b"large" not in words:
                found.append((int(folder.name), words))
        return found

    def kill(self, role: str) -> bool:
        process = self.process(role)
        if process is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            if role == "supervisor":
                self._server.wait()
            return True
        return False

    def call(self, method: str, path: str, **given):
        """Ask the server, which may be dead just now."""
        end = time.monotonic() + PATIENCE
        while True:
            self.watch()
            try:
                answer = requests.request(method, self.url + path, timeout=PATIENCE, **given)
            except requests.ConnectionError:
                assert time.monotonic() < end, "nobody answers"
                time.sleep(0.05)
            else:
                assert answer.status_code == 200, answer.text
                return answer

    def stop(self) -> int:
        self._server.terminate()
        return self._server.wait(60)

    def close(self) -> None:
        self._provider.kill()
        self._provider.wait()
        if self._server.poll() is None:
            self._server.kill()
            self._server.wait()
        for pid, _ in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._log.close()


def lines(count: int) -> bytes:
    models = ("auto", "auto", "small", "large")
    return b"".join(
        json.dumps(
            {
                "custom_id": f"q{number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {
                    "model": models[number % 4],
                    "messages": [{"role": "user", "content": f"What is twice the number of line {number}?"}],
                    "max_tokens": 20,
                },
            }
        ).encode()
        + b"\n"
        for number in range(count)
    )


def submitted(house: House, content: bytes) -> str:
    form = {"files": {"file": ("in.jsonl", content)}, "data": {"purpose": "batch"}}
    file_id = house.call("POST", "/files", **form).json()["id"]
    asked = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    return house.call("POST", "/batches", json=asked).json()["id"]


def killed_again_and_again(house: House, store: SQLiteStore, batch_id: str, kills: int, seed: int) -> Counter:
    """Kill somebody as soon as another part of the batch is done, or sooner; return how many of whom."""
    chance, killed = random.Random(seed), Counter()
    for _ in range(kills):
        (role,) = chance.choices(ROLES, WEIGHTS)
        eager, pause = chance.random() < 0.25, chance.uniform(0.0, 0.3)
        if not eager:
            counts = standing(store, batch_id).counts
            until_done(house, store, batch_id, counts.total - counts.left + counts.total // (2 * kills))
        end = time.monotonic() + pause
        # One that has only just been killed has no successor yet.
        while time.monotonic() < end or not house.kill(role):
            house.watch()
            time.sleep(0.01)
        killed[role] += 1
    return killed


def until_done(house: House, store: SQLiteStore, batch_id: str, lines: int) -> None:
    end = time.monotonic() + PATIENCE
    while (
        batch := standing(store, batch_id)
    ).counts.total - batch.counts.left < lines or not batch.counts.total:
        assert time.monotonic() < end, f"{batch.state}, {batch.counts}"
        if batch.state.over:
            return
        house.watch()
        time.sleep(0.01)


def standing(store: SQLiteStore, batch_id: str) -> Batch:
    batch = store.batch(batch_id)
    assert batch is not None
    return batch


def ended(house: House, store: SQLiteStore, batch_id: str, within: float) -> Batch:
    end = time.monotonic() + within
    while not (batch := standing(store, batch_id)).state.over:
        assert time.monotonic() < end, f"{batch.state}, {batch.counts}"
        house.watch()
        time.sleep(0.1)
    return batch


def test_a_batch_survives_random_kills_of_everybody(tmp_path, request):
    count, kills, seed = (request.config.getoption(f"--batch-{name}") for name in ("lines", "kills", "seed"))
    began = time.monotonic()
    with ExitStack() as stack:
        house = House(tmp_path)
        stack.callback(house.close)
        batch_id = submitted(house, lines(count))
        store = Place.within(house.data).open()[0]
        killed = killed_again_and_again(house, store, batch_id, kills, seed)
        batch = ended(house, store, batch_id, within=300)
        files = {
            purpose: [
                json.loads(row) for row in house.call("GET", f"/files/{file_id}/content").text.splitlines()
            ]
            for purpose, file_id in (("output", batch.output_file), ("error", batch.error_file))
            if file_id is not None
        }
        status = house.stop()
        left = house.processes()

    calls = [call for journal in house.journals for call in seen(journal)]
    booked = [row for row in rows(house.data) if row["batch"] == batch_id]
    said = Counter(row["status"] for row in booked)
    not_sent = assert_all_booked(calls, booked)
    sys.stdout.write(
        f"{count} lines, {sum(killed.values())} kills {dict(killed)}, {len(calls)} calls seen, "
        f"{len(booked)} rows {dict(said)}, of them {not_sent} bounds of calls that "
        f"were noted and never arrived, {house.refused_starts} refused starts, "
        f"{time.monotonic() - began:.0f} s\n"
    )
    assert sum(killed.values()) == kills
    assert batch.state is State.COMPLETED
    ids = Counter(row["custom_id"] for answers in files.values() for row in answers)
    assert ids == {f"q{number}": 1 for number in range(count)}
    assert files.get("error", []) == []
    assert sum(row["cost"] for row in booked) == batch.counts.spent
    finals = Counter(row["request_id"] for row in booked if row["final"])
    assert finals == dict.fromkeys({row["request_id"] for row in booked}, 1)
    assert (status, left, house.refused_starts) == (0, [], 0)
    on_the_shelf = {path.name for path in (Place.within(house.data).folder / "files").iterdir()}
    assert on_the_shelf == {batch.input_file, batch.output_file}


def assert_all_booked(calls: list[Seen], booked: list[dict]) -> int:
    """Hold the books against what was seen.

    An answer that is booked is one that was given, at its price; every other call has a row with a bound.
    A call may be noted, and its process killed before it was sent: that is booked as well.
    Returns how many such rows there are.
    """
    by_id = {call.id: call for call in calls}
    answers = [row for row in booked if row["served_id"] is not None]
    assert max(Counter(row["served_id"] for row in answers).values()) == 1
    for row in answers:
        call = by_id[row["served_id"]]
        prompt, answer = PRICES[call.model]
        assert (row["model"], row["cost"]) == (call.model, prompt * call.input + answer * call.output)
    known = {row["served_id"] for row in answers}
    unanswered = Counter((call.line, call.model) for call in calls if call.id not in known)
    bounded = Counter(
        (int(row["request_id"].split("-")[1]) - 1, row["model"])
        for row in booked
        if row["served_id"] is None and (row["cost_bound"] or 0) > 0
    )
    assert unanswered - bounded == {}, "seen, and not in the books"
    return (bounded - unanswered).total()
