"""A batch as large as one may be: soon under way, small in memory, and in nobody's way.

`--batch-size 50000` is the run of the README's figures (200 MB); the usual one is a tenth of it.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.support.server import Server, role_of, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

CONFIG = """
learning: {enabled: false}
upstreams:
  sim: {kind: simulated, first_token_ms: 200, tokens_per_second: 4000}
models:
  - {name: small, upstream: sim, price: {input: 0.02, output: 0.08}, context_window: 32768}
policies:
  default: {checks: []}
"""
BYTES_A_LINE = 4_150


def written(path: Path, count: int) -> int:
    """Write a file of `count` lines, and return its size."""
    with path.open("w") as file:
        for number in range(count):
            question = f"Question {number}: " + "what follows from all of this? " * 200
            body = {"model": "auto", "messages": [{"role": "user", "content": question}]}
            line = {"custom_id": f"q{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
            file.write(_fitted(line))
    return path.stat().st_size


def _fitted(line: dict) -> str:
    """Write a line, its question cut so that it has `BYTES_A_LINE` bytes."""
    message = line["body"]["messages"][0]
    surplus = len(json.dumps(line)) + 1 - BYTES_A_LINE
    message["content"] = message["content"][:-surplus]
    return json.dumps(line) + "\n"


@dataclass
class Probe:
    """Asks for a batch's status and cancels it again, all the time; `took` is in seconds, by phase."""

    server: Server
    batch_id: str
    phase: str = "idle"
    took: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def once(self, session: requests.Session, what: str) -> None:
        path = f"/batches/{self.batch_id}"
        began, phase = time.perf_counter(), self.phase
        answer = (
            session.get(self.server.url + path)
            if what == "status"
            else session.post(self.server.url + path + "/cancel")
        )
        self.took.setdefault((phase, what), []).append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text

    @contextmanager
    def asking(self) -> Iterator[None]:
        stop = threading.Event()

        def ask(what: str) -> None:
            with requests.Session() as session:
                while not stop.wait(0.02):
                    self.once(session, what)

        threads = [threading.Thread(target=ask, args=(what,)) for what in ("status", "cancel")]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def worst(self, share: float = 0.99) -> dict[tuple[str, str], float]:
        """Milliseconds within which that share of the answers came."""
        return {
            key: sorted(times)[min(len(times) - 1, int(share * len(times)))] * 1000
            for key, times in self.took.items()
        }


@dataclass
class Memory:
    """The most that each process of a server has had, in bytes of its own (PSS)."""

    process: int
    most: dict[str, int] = field(default_factory=dict)
    together: int = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        stop = threading.Event()

        def look() -> None:
            while not stop.wait(0.1):
                self._look()

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _look(self) -> None:
        now = {"supervisor": _pss(self.process)}
        for child in Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split():
            role = role_of(int(child))
            if role is not None:
                now[role] = _pss(int(child))
        for name, size in now.items():
            self.most[name] = max(size, self.most.get(name, 0))
        self.together = max(self.together, sum(now.values()))


def _pss(process: int) -> int:
    try:
        rows = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(row.split()[1]) << 10 for row in rows if row.startswith("Pss:")), 0)


UPLOAD = """
import sys, requests
with open(sys.argv[2], "rb") as content:
    form = {"files": {"file": ("in.jsonl", content)}, "data": {"purpose": "batch"}}
    print(requests.post(sys.argv[1] + "/files", **form, timeout=120).json()["id"])
"""


def uploaded(server: Server, path: Path) -> str:
    """Upload from a process of its own, so that the probes are not held up by it."""
    words = [sys.executable, "-c", UPLOAD, server.url, str(path)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def created(server: Server, file_id: str) -> str:
    asked = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    return requests.post(f"{server.url}/batches", json=asked, timeout=30).json()["id"]


def until(server: Server, batch_id: str, *states: str) -> dict:
    end = time.monotonic() + 120
    while True:
        batch = requests.get(f"{server.url}/batches/{batch_id}", timeout=30).json()
        if batch["status"] in states:
            return batch
        assert time.monotonic() < end, batch
        time.sleep(0.02)


def test_a_large_batch_is_soon_under_way_and_in_nobodys_way(tmp_path, request):
    count = request.config.getoption("--batch-size")
    path, tiny = tmp_path / "in.jsonl", tmp_path / "tiny.jsonl"
    size = written(path, count)
    written(tiny, 1)
    with running(CONFIG, tmp_path) as server:
        memory = Memory(server.process.pid)
        probe = Probe(server, created(server, uploaded(server, tiny)))
        requests.post(f"{server.url}/batches/{probe.batch_id}/cancel", timeout=30)
        until(server, probe.batch_id, "cancelled")
        with memory.watched(), probe.asking():
            time.sleep(1)
            probe.phase, began = "upload", time.monotonic()
            file_id = uploaded(server, path)
            sent = time.monotonic() - began
            probe.phase = "validation"
            batch_id = created(server, file_id)
            until(server, batch_id, "in_progress")
            under_way = time.monotonic() - began
            probe.phase = "work"
            time.sleep(min(20.0, count / 1000))
            probe.phase = "stop"
            requests.post(f"{server.url}/batches/{batch_id}/cancel", timeout=30)
            ended = until(server, batch_id, "cancelled")
            stopped = time.monotonic() - began
            probe.phase = "over"
            time.sleep(0.5)

    sys.stdout.write(
        f"{count} lines, {size / 1e6:.0f} MB: uploaded after {sent:.1f} s, "
        f"in progress after {under_way:.1f} s; {ended['request_counts']}, cancelled after {stopped:.1f} s\n"
        f"most memory, MB: { ({name: most >> 20 for name, most in memory.most.items()}) }, "
        f"together {memory.together >> 20}\n"
    )
    for share, name in ((0.5, "p50"), (0.99, "p99"), (1.0, "worst")):
        told = {f"{what} at {phase}": round(ms, 1) for (phase, what), ms in probe.worst(share).items()}
        sys.stdout.write(f"{name}, ms: {told}\n")
    assert under_way < 10
    assert memory.together < 300 << 20
