"""What a serving process loads is what it needs: heavy libraries stay behind their doors."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

HEAVY = {"duckdb", "litellm", "pandas", "pyarrow", "scipy", "sklearn", "torch", "vllm"}

LOADED = """
import socket, sys
def refuse(*args, **kwargs): sys.exit("a socket was opened")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
import {module}
print(*{{name.partition(".")[0] for name in sys.modules}})
"""


def loaded(module: str) -> set[str]:
    """Give the top-level modules that importing `module` loads; fail if it opens a socket."""
    command = [sys.executable, "-c", LOADED.format(module=module)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module", ["router.app", "router.worker", "router.commands.serve", "router.commands.preloading"]
)
def test_serving_loads_no_heavy_library(module: str):
    assert loaded(module) & HEAVY == set()


def test_the_command_line_loads_no_command():
    assert loaded("router.__main__") & (HEAVY | {"aiohttp", "numpy", "rich"}) == set()
