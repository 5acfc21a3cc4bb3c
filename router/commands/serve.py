"""`farthing serve`: the supervisor, its workers and the drainer."""

import errno
import importlib
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import click

from batch.place import Place
from evaluators import EVALUATORS
from router.catalog import Knowledge
from router.commands.discovered import discovered_config
from router.commands.lazy import run
from router.config import Config, environment, load
from router.engines import engine_specs
from router.errors import ConfigError
from router.supervisor import Child, Supervisor

DEFAULT_FILE = Path("farthing.yaml")

BACKLOG = 2048

SUCCESSION = 10.0
"""Seconds that a server waits for its address: the workers of one that was killed go a moment later."""

DRAINING = ("drain", "--interval", "1")
"""A second between drains: opening the ledger is most of what one costs, and this is soon enough."""

FORKS = sys.platform.startswith("linux")
"""Elsewhere what libraries of the system do in threads of their own makes copies of a process unsafe."""

EVERYWHERE: Mapping[str, str] = MappingProxyType({"0.0.0.0": "127.0.0.1", "::": "::1"})  # noqa: S104 - to be told apart
"""Where a server that listens everywhere can be reached from here."""


@click.command()
@click.option("--config", "path", type=click.Path(path_type=Path), help="The configuration [farthing.yaml].")
@click.option("--host", help="Listen there instead of where the configuration says.")
@click.option("--port", type=click.IntRange(0, 65535), help="The same; 0 takes any free port.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes.")
def command(path: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve.

    Without a configuration, what `farthing init` would find is used.
    """
    with tempfile.TemporaryDirectory(prefix="farthing-") as folder:
        path = path or (DEFAULT_FILE if DEFAULT_FILE.exists() else _discovered(Path(folder)))
        config = load(
            path, environ=environment(), known_checks=EVALUATORS, complete=Knowledge.load().complete
        )
        where = _Where(
            host=host or config.server.host,
            port=config.server.port if port is None else port,
            workers=workers or config.server.workers,
        )
        where.refuse_open_doors(config)
        data = Path.cwd() / "farthing-data" if path.parent == Path(folder) else config.data
        Place.within(data, config.batch.url).check()
        _serve(path.resolve(), config, where, data.resolve(), Path(folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    """Where to listen, the command line having the last word."""

    host: str
    port: int
    workers: int

    def refuse_open_doors(self, config: Config) -> None:
        """Keep a server without keys on this machine."""
        server = config.server.model_copy(update={"host": self.host})
        if config.auth == "none" and not server.loopback:
            raise ConfigError(
                f"Without keys the server listens on loopback only, not on {self.host}: "
                "set `auth: keys` and `keys`."
            )

    def listener(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        end = time.monotonic() + SUCCESSION
        told = False
        while not self._bound(listener, last=time.monotonic() >= end):
            if not told:
                click.echo(f"farthing: waiting for whoever listens on {self.host}:{self.port}", err=True)
            told = True
            time.sleep(0.05)
        return listener

    def _bound(self, listener: socket.socket, *, last: bool) -> bool:
        """Listen, or return `False` if another process does; at the `last` try that is an error."""
        try:
            listener.bind((self.host, self.port))
            listener.listen(BACKLOG)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and not last:
                return False
            raise ConfigError(f"Cannot listen on {self.host}:{self.port}: {error.strerror}.") from None
        return True


def _discovered(folder: Path) -> Path:
    text = discovered_config(environment(), Knowledge.load(), today=datetime.now(UTC).date())
    if text is None:
        raise ConfigError(
            "There is no farthing.yaml, no local engine answers on its usual port, "
            "and no provider's key is set. Start Ollama (or vLLM, LM Studio, llama.cpp), "
            "or set a key such as OPENROUTER_API_KEY, "
            "then run `farthing init`; or see it work with `farthing demo`."
        )
    path = folder / "discovered.yaml"
    path.write_text(text)
    click.echo("farthing: there is no farthing.yaml; using what `farthing init --yes` would write", err=True)
    return path


def _serve(path: Path, config: Config, where: _Where, data: Path, folder: Path) -> None:
    (data / "spool").mkdir(parents=True, exist_ok=True)
    listener = where.listener()
    host, port = listener.getsockname()[:2]
    metrics = folder / "metrics"
    metrics.mkdir()
    given = ["--config", str(path), "--data", str(data), "--last-good", str(folder / "last-good.yaml")]
    engines = _engines(config, given, environment())
    _tell_libraries(metrics if where.workers > 1 else None)
    children = [
        *_workers(where.workers, given, listener.fileno()),
        _child("batch runner", ["batching", *given, "--listening", host]),
        *([_child("learner", ["learn", *given])] if config.learning.enabled else []),
        *engines,
        # Last, so that it is stopped last: what the workers seal at their end is drained too.
        _child("drainer", [*DRAINING, "--data", str(data), "--keep-gb", str(config.server.ledger_copy_gb)]),
    ]
    if FORKS:
        # Only now, since it imports what has just been told something.
        importlib.import_module("router.commands.preloading").preload()
    supervisor = Supervisor(children, run=_command, patience=config.server.shutdown_seconds + 5)
    try:
        supervisor.keep(Announcement(host, port))
    finally:
        listener.close()
        with suppress(OSError):
            shutil.rmtree(metrics)


def _tell_libraries(metrics: Path | None) -> None:
    """Tell those that look into the environment when they are imported, here or in a child."""
    # The classifier's matrices are small: more threads for them only spin, and take a core from others.
    environ = os.environ  # noqa: TID251 - numpy and prometheus_client look nowhere else
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        environ.setdefault(name, "1")
    if metrics is not None:
        environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)


def _command(words: Sequence[str]) -> None:
    """Run another command in this process."""
    run(click.get_current_context().find_root().command, words)


def _workers(count: int, given: Sequence[str], fd: int) -> list[Child]:
    words = ["worker", *given, "--fd", str(fd)]
    if count == 1:
        return [_child("worker 1", words, fd)]
    words.append("--shared-metrics")
    return [_child(f"worker {number}", words, fd) for number in range(1, count + 1)]


def _engines(config: Config, given: Sequence[str], environ: Mapping[str, str]) -> list[Child]:
    # Their variables are the user's: an engine knows best how many threads it wants.
    return [
        Child(name=f"engine {name}", command=["engine", *given, "--upstream", name], environment=environ)
        for name in engine_specs(config, environ)
    ]


def _child(name: str, command: Sequence[str], *descriptors: int) -> Child:
    return Child(
        name=name, command=command, descriptors=descriptors, environment=None if FORKS else environment()
    )


class Announcement:
    """Says that the server listens once a worker answers; until it does, the question waits in the socket."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (EVERYWHERE.get(host, host), port)
        self._shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._question = self._ask()

    def fileno(self) -> int:
        return self._question.fileno()

    def readable(self) -> bool:
        try:
            answered = self._question.recv(1) != b""
        except OSError:
            answered = False
        self._question.close()
        if answered:
            click.echo(f"farthing: listening on http://{self._shown}", err=True)
        else:
            # The worker that had taken it is gone.
            self._question = self._ask()
        return not answered

    def _ask(self) -> socket.socket:
        question = socket.create_connection(self._address)
        question.sendall(b"GET /health HTTP/1.1\r\nHost: farthing\r\nConnection: close\r\n\r\n")
        return question
