"""Real clients, the newest there are, installed into a cache outside the checkout."""

import fcntl
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CACHE = Path.home() / ".cache" / "farthing" / "dropin"
PATIENCE = 300


def openai_python() -> Path:
    """Path of an interpreter that has the newest openai-python; skips where no registry has it."""
    with _alone("python"):
        version = _newest("openai") or _newest_cached("py-")
        if version is None:
            pytest.skip("no package registry to install openai-python from, and none is cached")
        folder = CACHE / f"py-{version}"
        interpreter = folder / "bin" / "python"
        if not (folder / "ready").exists():
            _run(sys.executable, "-m", "venv", "--clear", str(folder))
            installed = _run(str(interpreter), "-m", "pip", "install", "-q", f"openai=={version}")
            if installed is None:
                pytest.skip(f"openai-python {version} cannot be installed from the registry")
            (folder / "ready").touch()
        return interpreter


def openai_node() -> Path:
    """Path of a folder whose node_modules have the newest openai-node; skips where no registry has it."""
    if _run("node", "--version") is None:
        pytest.skip("node is not installed")
    folder = CACHE / "node"
    with _alone("node"):
        installed = _run(
            "npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "openai@latest", "zod"
        )
        if installed is None and not (folder / "node_modules" / "openai").exists():
            pytest.skip("no npm registry to install openai-node from, and none is cached")
    return folder


def _newest(package: str) -> str | None:
    told = _run(sys.executable, "-m", "pip", "index", "versions", package)
    found = re.match(rf"{package} \((\S+)\)", told or "")
    return found.group(1) if found else None


def _newest_cached(prefix: str) -> str | None:
    ready = [path.parent for path in CACHE.glob(f"{prefix}*/ready")]
    newest = max(ready, key=lambda folder: (folder / "ready").stat().st_mtime, default=None)
    return newest.name.removeprefix(prefix) if newest else None


def _run(*command: str) -> str | None:
    """What the command wrote; `None` if it failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Keep two test runs from installing at once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
