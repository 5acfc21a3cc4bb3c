"""The real redis-server (or valkey-server), on a socket in a test's own folder."""

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PATIENCE = 10.0


@dataclass(slots=True)
class RedisServer:
    """A server that keeps nothing on disk."""

    path: Path
    process: "subprocess.Popen[bytes]" = field(repr=False)

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def again(self) -> None:
        """Start it anew: it has forgotten everything."""
        self.process = _run(self.path)


def started(folder: Path) -> RedisServer:
    """Start one and wait until it answers; skips where there is none to start."""
    path = folder / "redis.sock"
    return RedisServer(path, _run(path))


def _run(path: Path) -> "subprocess.Popen[bytes]":
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    command = [program, "--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no"]
    path.unlink(missing_ok=True)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + PATIENCE
    while not _answers(path):
        assert process.poll() is None, "The server ended."
        assert time.monotonic() < until, "The server does not answer."
        time.sleep(0.01)
    return process


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(path))
        except OSError:
            return False
        return True
