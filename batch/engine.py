"""A vLLM engine that Farthing starts, watches, starts again when it dies, and stops when nobody wants it.

Whoever wants the engine touches a file; the engine's keeper looks at it, so that any process may want it.
What the engine prints goes to a log beside that file; prompts are not in it (vLLM is told not to log them).
"""

import asyncio
import logging
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import aiohttp

from router.errors import FarthingError
from router.seams import Clock

log = logging.getLogger("farthing.engine")

QUIET: Mapping[str, str] = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
"""No telemetry of ours, and none of those we start."""

POLICY = "--scheduling-policy"

LOOK_EVERY = 0.5
STOP_PATIENCE = 20.0
LARGEST_LOG = 16 << 20


def goes_by_priority(flags: Sequence[str]) -> bool:
    """Whether an engine that is started with `flags` goes by priority: it is told to, unless they differ."""
    words = " ".join(flags).replace("=", " ").split()
    said = words.index(POLICY) if POLICY in words else None
    return said is None or words[said + 1 : said + 2] == ["priority"]


class EngineState(StrEnum):
    """Where an engine stands; the state stands in a file, for others to read."""

    STOPPED = "stopped"  # -> starting, when it is wanted
    STARTING = "starting"  # -> ready, failed
    READY = "ready"  # -> stopped when idle, failed when it dies
    FAILED = "failed"  # -> starting, after a pause that grows


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """What to start: `vllm serve MODEL` on `host` and `port`, with `flags`; times are in seconds."""

    name: str
    model: str
    host: str
    port: int
    served_as: Sequence[str] = ()
    flags: Sequence[str] = ()
    executable: str = "vllm"
    environment: Mapping[str, str] = field(default_factory=dict)
    idle: float | None = None
    start_within: float = 600.0

    @property
    def command(self) -> list[str]:
        words = [self.executable, "serve", self.model, "--host", self.host, "--port", str(self.port)]
        if self.served_as:
            words += ["--served-model-name", *self.served_as]
        told = any(flag.startswith(POLICY) for flag in self.flags)
        return [*words, *self.flags, *([] if told else [f"{POLICY}=priority"])]

    @property
    def health(self) -> str:
        return f"http://{self.host}:{self.port}/health"


@dataclass(frozen=True, slots=True)
class EngineFiles:
    """What is known of an engine across processes and restarts: when wanted, its state, its process."""

    folder: Path
    name: str

    def _file(self, kind: str) -> Path:
        return self.folder / f"{self.name}.{kind}"

    @property
    def log(self) -> Path:
        return self._file("log")

    def want(self) -> None:
        """Say that the engine is wanted now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file("wanted").touch()

    def wanted(self) -> float | None:
        """Return when it was last wanted (seconds since 1970), or `None`."""
        return self._when("wanted")

    def _when(self, kind: str) -> float | None:
        try:
            return self._file(kind).stat().st_mtime
        except FileNotFoundError:
            return None

    def note_interactive(self) -> None:
        """Say that somebody waits for an answer of this engine now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file("interactive").touch()

    def interactive(self) -> float | None:
        """Return when somebody last waited (seconds since 1970), or `None`."""
        return self._when("interactive")

    def say(self, state: EngineState) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._file("state.part")
        unfinished.write_text(state)
        unfinished.replace(self._file("state"))

    def state(self) -> EngineState:
        with suppress(FileNotFoundError, ValueError):
            return EngineState(self._file("state").read_text())
        return EngineState.STOPPED

    def remember(self, process: int) -> None:
        self._file("pid").write_text(str(process))

    def end_orphan(self) -> None:
        """End the engine of a keeper that was killed, with all its processes."""
        with suppress(FileNotFoundError, ValueError, ProcessLookupError, PermissionError):
            process = int(self._file("pid").read_text())
            words = Path(f"/proc/{process}/cmdline")
            # Only what is still ours: the number may have gone to another process.
            if b"serve" in words.read_bytes():
                log.warning("an engine of a keeper that died still runs (process %d): it is ended", process)
                os.killpg(process, signal.SIGKILL)
        self._file("pid").unlink(missing_ok=True)


class Engine:
    """Keeps one engine as it is wanted."""

    def __init__(self, spec: EngineSpec, files: EngineFiles, *, clock: Clock) -> None:
        self._spec, self._files, self._clock = spec, files, clock
        self._process: asyncio.subprocess.Process | None = None
        self._failures = 0

    async def keep(self, stop: asyncio.Event) -> None:
        """Keep it until `stop` is set, and end it then."""
        self._files.end_orphan()
        self._files.say(EngineState.STOPPED)
        try:
            while not stop.is_set():
                if self._is_wanted():
                    await self._run_once(stop)
                await _pause(stop, LOOK_EVERY)
        finally:
            await self._end()
            self._files.say(EngineState.STOPPED)

    def _is_wanted(self) -> bool:
        if self._spec.idle is None:
            return True
        wanted = self._files.wanted()
        return wanted is not None and self._clock.now().timestamp() - wanted < self._spec.idle

    async def _run_once(self, stop: asyncio.Event) -> None:
        """Start it, and return when it has ended, however."""
        self._files.say(EngineState.STARTING)
        began = self._clock.monotonic()
        try:
            await self._start()
            await self._ready(stop)
        except (OSError, FarthingError) as error:
            await self._failed(str(error), stop)
            return
        if stop.is_set():
            return
        log.info("%s is ready after %.0f s", self._spec.name, self._clock.monotonic() - began)
        self._files.say(EngineState.READY)
        self._failures = 0
        assert self._process is not None
        while self._process.returncode is None and not stop.is_set() and self._is_wanted():
            await _pause(stop, LOOK_EVERY)
        if self._process.returncode is not None:
            await self._failed(f"it ended with status {self._process.returncode}", stop)
        elif not stop.is_set():
            log.info("nobody has wanted %s for a while: it is stopped", self._spec.name)
            await self._end()
            self._files.say(EngineState.STOPPED)

    async def _start(self) -> None:
        if shutil.which(self._spec.executable) is None:
            raise FarthingError(f"there is no {self._spec.executable!r}: install vLLM, or name its path")
        self._files.folder.mkdir(parents=True, exist_ok=True)
        if self._files.log.exists() and self._files.log.stat().st_size > LARGEST_LOG:
            self._files.log.replace(self._files.log.with_suffix(".old.log"))
        with self._files.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._spec.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**QUIET, **self._spec.environment},
                # Its workers are in its group, and end with it. No session of its own: Linux shares a core by
                # sessions first, and lets an engine that never rests hold up the others for seconds.
                process_group=0,
            )
        self._files.remember(self._process.pid)

    async def _ready(self, stop: asyncio.Event) -> None:
        """Wait until it answers; raise `FarthingError` if it ends or takes too long."""
        assert self._process is not None
        end = self._clock.monotonic() + self._spec.start_within
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2.0)) as session:
            while not stop.is_set():
                if self._process.returncode is not None:
                    raise FarthingError(
                        f"it ended with status {self._process.returncode} while it started; "
                        f"{self._files.log} says why"
                    )
                if self._clock.monotonic() > end:
                    raise FarthingError(f"it was not ready within {self._spec.start_within:.0f} s")
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(self._spec.health) as response:
                        if response.status == 200:
                            return
                await _pause(stop, LOOK_EVERY)

    async def _failed(self, why: str, stop: asyncio.Event) -> None:
        self._failures += 1
        pause = min(2.0**self._failures, 300.0)
        log.error("%s: %s; it is tried again in %.0f s", self._spec.name, why, pause)
        self._files.say(EngineState.FAILED)
        await self._end()
        await _pause(stop, pause)

    async def _end(self) -> None:
        """Ask it to stop, then its whole group, in no uncertain terms."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_PATIENCE):
                    await process.wait()
        # Also after a clean end: its workers may have outlived it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        self._files.end_orphan()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def default_executable() -> str:
    """Return the `vllm` of this environment if it has one, else the name, to be found on the path."""
    beside = Path(sys.executable).with_name("vllm")
    return str(beside) if beside.exists() else "vllm"
