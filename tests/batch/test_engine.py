"""An engine that Farthing starts: a small program stands for vLLM, real processes do the rest."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from batch.engine import Engine, EngineFiles, EngineSpec, EngineState, goes_by_priority
from router.clock import SystemClock

STAND_IN = """#!{python}
import http.server, sys
assert sys.argv[1] == "serve"
if sys.argv[2] == "broken":
    sys.exit(3)
port = int(sys.argv[sys.argv.index("--port") + 1])
print("arguments:", sys.argv[1:], flush=True)
http.server.HTTPServer(("127.0.0.1", port), type("Ok", (http.server.BaseHTTPRequestHandler,), {{
    "do_GET": lambda self: (self.send_response(200), self.end_headers()), "log_message": lambda *a: None,
}})).serve_forever()
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def spec(tmp_path):
    program = tmp_path / "vllm"
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o700)

    def made(model: str = "tiny", **fields) -> EngineSpec:
        return EngineSpec(
            name="own", model=model, host="127.0.0.1", port=free_port(), executable=str(program), **fields
        )

    return made


@pytest.fixture
def files(tmp_path):
    return EngineFiles(tmp_path / "engines", "own")


async def reached(files: EngineFiles, state: EngineState) -> None:
    async with asyncio.timeout(30):
        while files.state() is not state:  # noqa: ASYNC110 - the file has no event to wait for
            await asyncio.sleep(0.01)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def process_of(files: EngineFiles) -> int:
    return int((files.folder / "own.pid").read_text())


async def test_it_is_started_said_to_be_ready_and_ended_with_us(spec, files):
    stop = asyncio.Event()
    keeping = asyncio.ensure_future(
        Engine(spec(served_as=["small"], flags=["--x"]), files, clock=SystemClock()).keep(stop)
    )

    await reached(files, EngineState.READY)
    process = process_of(files)
    # A group of its own, to be ended whole; our session, or Linux lets it starve the others (decision 0029).
    assert (os.getpgid(process), os.getsid(process)) == (process, os.getsid(0))
    stop.set()
    await keeping

    assert not is_alive(process)
    assert files.state() is EngineState.STOPPED
    assert "'--served-model-name', 'small', '--x'" in files.log.read_text()


async def test_one_that_dies_is_started_again(spec, files):
    stop = asyncio.Event()
    keeping = asyncio.ensure_future(Engine(spec(), files, clock=SystemClock()).keep(stop))
    await reached(files, EngineState.READY)
    first = process_of(files)

    os.kill(first, signal.SIGKILL)
    await reached(files, EngineState.FAILED)
    await reached(files, EngineState.READY)

    assert process_of(files) != first
    stop.set()
    await keeping


async def test_one_with_an_idle_time_starts_when_it_is_wanted_and_stops_when_it_is_not(spec, files):
    stop = asyncio.Event()
    keeping = asyncio.ensure_future(Engine(spec(idle=2.0), files, clock=SystemClock()).keep(stop))
    await reached(files, EngineState.STOPPED)

    files.want()
    await reached(files, EngineState.READY)
    await reached(files, EngineState.STOPPED)

    stop.set()
    await keeping


async def test_one_that_cannot_start_says_why_and_is_tried_again(spec, files, caplog):
    stop = asyncio.Event()
    keeping = asyncio.ensure_future(Engine(spec("broken"), files, clock=SystemClock()).keep(stop))

    await reached(files, EngineState.FAILED)
    stop.set()
    await keeping

    assert "ended with status 3 while it started" in caplog.text


async def test_a_vllm_that_is_not_installed_is_a_sentence(files, caplog):
    stop = asyncio.Event()
    absent = EngineSpec(name="own", model="m", host="127.0.0.1", port=1, executable="/nowhere/vllm")
    keeping = asyncio.ensure_future(Engine(absent, files, clock=SystemClock()).keep(stop))

    await reached(files, EngineState.FAILED)
    stop.set()
    await keeping

    assert "there is no '/nowhere/vllm': install vLLM, or name its path" in caplog.text


async def test_the_engine_of_a_keeper_that_was_killed_is_ended_before_another_is_started(spec, files):
    abandoned = spec()
    process = await asyncio.create_subprocess_exec(*abandoned.command, start_new_session=True)
    files.folder.mkdir()
    files.remember(process.pid)
    # One that has only just been forked has no words of its own yet.
    async with asyncio.timeout(30):
        while b"serve" not in Path(f"/proc/{process.pid}/cmdline").read_bytes():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.01)
    stop = asyncio.Event()

    keeping = asyncio.ensure_future(Engine(spec(), files, clock=SystemClock()).keep(stop))

    await process.wait()
    stop.set()
    await keeping


@pytest.mark.parametrize(
    ("flags", "goes", "added"),
    [
        ((), True, True),
        (("--max-num-seqs=4",), True, True),
        (("--scheduling-policy=priority",), True, False),
        (("--scheduling-policy", "priority"), True, False),
        (("--scheduling-policy", "fcfs"), False, False),
        (("--scheduling-policy=fcfs",), False, False),
    ],
)
def test_it_is_told_to_go_by_priority_unless_its_flags_say_otherwise(spec, flags, goes, added):
    plain, command = spec(flags=["--last"]).command, spec(flags=[*flags, "--last"]).command

    assert goes_by_priority(flags) is goes
    assert (command[-1] == "--scheduling-policy=priority") is added
    assert len(command) == len(plain) - 1 + len(flags) + added
