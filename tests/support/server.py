"""Starts the real server in a process of its own, and stops it as an operator would."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

REPOSITORY = Path(__file__).parents[2]
LISTENING = re.compile(r"listening on (http://\S+)")
LOG_LINES_SHOWN = 200
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server: `base` is its root URL without a path, `url` what OpenAI's clients take."""

    base: str
    data: Path
    config: Path
    process: subprocess.Popen[bytes] = field(repr=False)
    _log: list[str] = field(repr=False)

    @property
    def url(self) -> str:
        return f"{self.base}/v1"

    @property
    def log(self) -> str:
        """All it has written so far, to both streams."""
        return "".join(self._log)

    def stop(self, *, within: float = 20) -> int:
        """Send SIGTERM and return the exit status; kill it and raise TimeoutExpired if it will not stop."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """Send SIGKILL, as the out-of-memory killer would."""
        self.process.kill()
        self.process.wait()


def words_of(process: int) -> list[bytes]:
    """The words of a process's command line, or the name that it has given itself; none if it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def role_of(process: int) -> str | None:
    """Which child of a supervisor a process is: `worker`, `drain`, …; `None` while it is only being made."""
    words = words_of(process)
    if words[:1] == [b"farthing"]:
        return words[1].decode()
    # One that is a program of its own.
    return words[3].decode() if len(words) > 3 and words[3] != b"serve" else None


@contextmanager
def running(
    config: str,
    folder: Path,
    *,
    env: Mapping[str, str] = NO_VARIABLES,
    arguments: tuple[str, ...] = (),
    within: float = 60,
) -> Iterator[Server]:
    """Serve `config` (YAML text) on a free port until the block ends.

    The file is `folder/farthing.yaml`; a config without a `data:` line keeps its data in `folder/data`.
    `env` is set on top of the environment, `arguments` follow `serve`.
    An error in the block carries the server's log as a note.
    AssertionError if it does not listen `within` seconds, or does not stop when asked.
    """
    path, data = _written(config, folder)
    # env(1), so that a test need not read the environment to add to it.
    command = ["env", *(f"{name}={value}" for name, value in env.items())]
    command += [sys.executable, "-m", "router", "serve", "--config", str(path), "--port", "0", *arguments]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    log: list[str] = []
    base, heard = [""], threading.Event()
    reader = threading.Thread(target=_read, args=(process, log, base, heard), daemon=True)
    reader.start()
    try:
        heard.wait(within)
        assert base[0], "The server did not start."
        yield Server(base=base[0], data=data, config=path, process=process, _log=log)
    except BaseException as error:
        error.add_note("The server's log:\n" + "".join(log[-LOG_LINES_SHOWN:]))
        raise
    finally:
        _end(process)
        reader.join(5)


def _written(config: str, folder: Path) -> tuple[Path, Path]:
    named = re.search(r"^data:\s*(\S+)", config, re.MULTILINE)
    data = Path(named.group(1).strip("\"'")) if named else folder / "data"
    path = folder / "farthing.yaml"
    path.write_text(config if named else f"data: {data}\n{config}")
    return path, data if data.is_absolute() else folder / data


def _read(process: subprocess.Popen[bytes], log: list[str], base: list[str], heard: threading.Event) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            log.append(line.decode(errors="replace"))
            found = LISTENING.search(log[-1])
            if found and not heard.is_set():
                base[0] = found.group(1).rstrip("/")
                heard.set()
    heard.set()  # it ended: nobody should wait for it any longer


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError("The server did not stop on SIGTERM.") from None
