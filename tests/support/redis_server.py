"""The real redis-server (or valkey-server), on a socket in a test's own folder."""

import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PATIENCE = 10.0


@dataclass(slots=True)
class RedisServer:
    """A server that keeps nothing on disk."""

    socket: Path
    process: "subprocess.Popen[bytes]" = field(repr=False)

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def again(self) -> None:
        """Start it anew: it has forgotten everything."""
        self.process = _run(self.socket)


def started(folder: Path) -> RedisServer:
    """Start one and wait until it answers; skips where there is none to start."""
    socket = folder / "redis.sock"
    return RedisServer(socket, _run(socket))


def _run(socket: Path) -> "subprocess.Popen[bytes]":
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    command = [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
    socket.unlink(missing_ok=True)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + PATIENCE
    while not socket.exists():
        assert process.poll() is None, "The server ended."
        assert time.monotonic() < until, "The server does not answer."
        time.sleep(0.01)
    return process
