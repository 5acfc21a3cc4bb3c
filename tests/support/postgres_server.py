"""The real PostgreSQL, in a test's own folder, reachable by a socket there and on no port."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

NOBODY = "nobody"
"""Who runs it where we are root, which PostgreSQL refuses to be."""

NUMBERS = count()


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server whose data are gone with its folder."""

    folder: Path
    programs: Path

    def database(self) -> str:
        """Make a database of its own, and return its URL."""
        name = f"test{next(NUMBERS)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}".encode())
        return self._url(name)

    def again(self) -> None:
        """Kill it, as a machine that goes down would, and start it anew."""
        self.control("stop", "--mode", "immediate")
        self.control("start")

    def control(self, *words: str) -> None:
        log = self.folder / "log"
        run(self.programs / "pg_ctl", "--wait", "--pgdata", self.folder / "data", "--log", log, *words)

    def _url(self, name: str) -> str:
        return f"postgresql:///{name}?host={self.folder}&user=farthing"


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """Start one, and stop it in the end; skips where there is none to start."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    found = programs[-1] if programs else shutil.which("initdb")
    if found is None or shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL is not installed")
    # The name of a socket has a hundred letters at most, and pytest's folders are long.
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as name:
        server = PostgresServer(Path(name), Path(found).parent)
        if os.geteuid() == 0:
            shutil.chown(server.folder, NOBODY)
        initial = ("--username", "farthing", "--auth", "trust", "--no-sync", "--encoding", "UTF8")
        run(server.programs / "initdb", "--pgdata", server.folder / "data", *initial)
        with (server.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(f"listen_addresses = ''\nunix_socket_directories = '{server.folder}'\n")
            file.write("max_connections = 60\nshared_buffers = 32MB\n")
        server.control("start")
        try:
            yield server
        finally:
            with suppress(subprocess.CalledProcessError):
                server.control("stop", "--mode", "immediate")


def run(*words: object) -> None:
    """Run a program of PostgreSQL as whoever may."""
    command = [str(word) for word in words]
    if os.geteuid() == 0:
        who = pwd.getpwnam(NOBODY)
        identity = [f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
        command = ["setpriv", *identity, *command]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=60)
