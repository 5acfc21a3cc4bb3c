"""Processes that are measured: started on a core of their own, watched through /proc, and always stopped."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from tests.bench.works import Missing

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 30.0
REPOSITORY = Path(__file__).parents[2]
PYTHON = sys.executable


class Process:
    """One command and every process it starts; what they write goes to `log`.

    It leads a session of its own, so that Ctrl-C reaches this program alone, which then stops it in order.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        core: int | None = None,
        env: Mapping[str, str] = NO_VARIABLES,
    ) -> None:
        self._log, self.command = log, " ".join(command)
        # Without .pyc files every import compiles anew, and litellm repeats some of its imports.
        variables = [
            "env",
            "-u",
            "PYTHONDONTWRITEBYTECODE",
            *(f"{name}={value}" for name, value in env.items()),
        ]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*ending_with_us(), *pinned(core), *variables, *command],
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """All it has written so far."""
        return self._log.read_text(errors="replace")

    def said(self, pattern: str, *, within: float = 60) -> str:
        """Wait for a line that matches and return its first group; raise `Missing` if none comes."""
        self.wait(lambda: re.search(pattern, self.log) is not None, within=within)
        found = re.search(pattern, self.log)
        assert found is not None, "it was there a moment ago"
        return found.group(1)

    def wait(self, ready: Callable[[], bool], *, within: float) -> None:
        """Ask until `ready`; one that dies or takes too long is stopped: `Missing`, with its last words."""
        end = time.monotonic() + within
        started = False
        try:
            while not started and self._process.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
                started = ready()
        finally:
            if not started:
                self.stop()
        self.share()
        if not started:
            raise Missing(f"it did not start; its last words:\n{self.log[-1500:]}")

    def cpu(self) -> float:
        """Seconds of CPU time, user and system, of the whole tree, children that have ended included."""
        return sum(sum(map(int, fields[11:15])) for _, fields in self._tree()) / TICKS

    def memory(self) -> float:
        """Megabytes of the tree; a page that processes share is counted once (PSS)."""
        return sum(_pss(pid) for pid, _ in self._tree()) / 1024

    def share(self) -> None:
        """Give every process our own niceness, in whatever session it is."""
        for pid, _ in self._tree():
            share(pid)

    def stop(self) -> None:
        """Ask it to stop, as an operator would; kill what is left."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _tree(self) -> Iterator[tuple[int, list[str]]]:
        stats = dict(_stats())
        inside = {self._process.pid}
        grown = True
        while grown:
            more = {pid for pid, fields in stats.items() if int(fields[1]) in inside} - inside
            grown = bool(more)
            inside |= more
        return ((pid, stats[pid]) for pid in inside if pid in stats)


def ending_with_us() -> list[str]:
    """Words to put before a command that shall not outlive this program, even if that is killed."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def share(pid: int) -> None:
    """Give the session of `pid` our own niceness: Linux shares a core by sessions first (autogroup)."""
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(os.nice(0)))


def pinned(core: int | None) -> list[str]:
    """Words to put before a command that shall stay on `core`."""
    return ["taskset", "-c", str(core)] if core is not None and shutil.which("taskset") else []


def free_cores() -> tuple[int | None, int | None]:
    """Return a core for load and upstream, and one for what is measured; `None` where there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)


def free_port() -> int:
    """Return a port nobody listens on at this moment, for servers that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str, *, body: bytes | None = None, key: str = "") -> bool:
    """Tell whether `url` answers with 200."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, data=body, headers=headers), timeout=10
        ) as answer:
            answer.read()
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stats() -> Iterator[tuple[int, list[str]]]:
    """Each process with the fields of its `stat` from the third on: the second, a name, may hold anything."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                yield int(folder.name), (folder / "stat").read_text().rpartition(")")[2].split()


def _pss(pid: int) -> int:
    with suppress(OSError):
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(found.group(1)) if found else 0
    return 0
