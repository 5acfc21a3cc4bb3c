"""One huge file on the real Ray, which listens on every interface: here, in a network of its own, on none.

`python -m tests.end_to_end.test_ray FOLDER` is what runs inside; it prints what it saw, as JSON.
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.fake_process import fake_upstream
from tests.support.ledger import rows
from tests.support.server import REPOSITORY, running

PATIENCE = 420.0
"""Seconds: Ray starts nine processes, three times."""

pytestmark = [pytest.mark.service, pytest.mark.timeout(PATIENCE + 60)]

CONFIG = """
upstreams:
  there: {{kind: openai, base_url: "{url}", provider: acme}}
models:
  - {{name: small, upstream: there, context_window: 32768, max_output: 100, price: {{input: 1, output: 1}}}}
policies:
  default: {{models: [small], checks: []}}
"""
LINES = 3000
ALONE = ["unshare", "--user", "--map-root-user", "--net"]
"""A network with nothing in it but a loopback."""


def line(number: int) -> str:
    body = {"model": "auto", "messages": [{"role": "user", "content": f"Question {number}. " + "x" * 500}]}
    return json.dumps({"custom_id": f"q{number}", "url": "/v1/chat/completions", "body": body})


def inside(folder: Path) -> None:
    """Start Ray, kill it in the middle, run it again; print what became of the file."""
    (folder / "in.jsonl").write_text("\n".join([line(n) for n in range(LINES)] + ["{broken"]))
    with fake_upstream() as fake, running(CONFIG.format(url=fake.url), folder) as server:
        command = [sys.executable, "-m", "router", "batch", "ray", str(folder / "in.jsonl")]
        command += ["--out", str(folder / "out"), "--url", server.url, "--block-mb", "1", "--at-once", "16"]
        with subprocess.Popen(command, cwd=REPOSITORY) as first:
            while not [*(folder / "out").glob("*.jsonl")] and first.poll() is None:
                time.sleep(0.01)  # until a block is done, of another process
            first.kill()
        second = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        third = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        asked = len(fake.requests())
    booked = [row for row in rows(folder / "data") if row["run"] == "ray-out"]
    seen = {
        "second": [second.returncode, second.stdout, second.stderr],
        "third": [third.returncode, third.stdout],
        "asked": asked,
        "booked": len(booked),
    }
    (folder / "seen.json").write_text(json.dumps(seen))


def alone(command: list[str]) -> None:
    """Run a command; if it takes too long, everything that it has started ends with it."""
    with subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True) as process:
        try:
            assert process.wait(PATIENCE) == 0
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_a_file_is_worked_through_by_ray_and_a_second_run_goes_on_where_the_first_was_killed(tmp_path):
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'farthing[ray]'")
    shell = 'ip link set lo up && exec "$@"'
    words = [sys.executable, "-m", "tests.end_to_end.test_ray", str(tmp_path)]
    if subprocess.run([*ALONE, "sh", "-c", shell, "sh", "true"], check=False).returncode:
        pytest.skip("this machine gives no network of its own, and Ray would listen on every interface")
    alone([*ALONE, "sh", "-c", shell, "sh", *words])

    seen = json.loads((tmp_path / "seen.json").read_text())
    status, said, told = seen["second"]
    assert status == 0, told
    blocks = sorted(path for path in (tmp_path / "out").glob("*.jsonl") if "errors" not in path.name)
    done = [json.loads(row) for path in blocks for row in path.read_text().splitlines()]
    assert [row["custom_id"] for row in done] == [f"q{n}" for n in range(LINES)]
    assert all(row["response"]["body"]["choices"][0]["message"]["content"] for row in done)
    assert said.startswith(f"{LINES + 1} lines, ")
    assert 0 < int(said.split()[2]) < LINES, "what was done before is not done again"
    assert seen["third"][1] == f"{LINES + 1} lines, {LINES + 1} of them done before, 1 failed\n"
    assert len(blocks) == 2
    assert LINES <= seen["asked"] == seen["booked"] < 1.2 * LINES


if __name__ == "__main__":
    inside(Path(sys.argv[1]))
