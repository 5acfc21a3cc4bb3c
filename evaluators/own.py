"""Checks of your own: a function of Python, or a command.

Both are given the request and the answer and say whether it passes.
Cost class: paid: nobody knows what they do; they run after the free ones.
Limits: a tool that fails, is slow or says nothing sensible gives no verdict (the log says so), unless
`on_failure` is `fail`. A function that blocks runs in a thread, which cannot be stopped.
"""

import asyncio
import importlib
import inspect
import logging
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

import orjson
from pydantic import Field

from evaluators.base import Check
from router.seams import Ask
from router.types import CostClass, Reply, Request, Verdict

logger = logging.getLogger(__name__)

MOST_OUTPUT = 64_000
"""Bytes of a command's output that are read."""

Name = Annotated[str, Field(pattern=r"^[\w.-]{1,40}$", description="What it is called in verdicts.")]
Seconds = Annotated[float, Field(gt=0, le=300, description="Its time; then it is stopped.")]
Threshold = Annotated[float, Field(ge=0, le=1, description="The least score that passes, if it gives one.")]
OnFailure = Annotated[
    Literal["ignore", "fail"], Field(description="What it means if the tool itself fails: no verdict, or no.")
]


class _Own(Check):
    """What both kinds have in common."""

    __slots__ = ()
    cost_class: ClassVar[CostClass] = CostClass.PAID
    threshold: Threshold
    on_failure: OnFailure
    seconds: Seconds

    async def _outcome(self, request: Request, reply: Reply) -> Any:
        raise NotImplementedError

    async def judge(self, request: Request, reply: Reply, ask: Ask, /) -> Verdict | None:  # noqa: ARG002 - the seam
        try:
            async with asyncio.timeout(self.seconds):
                said = await self._outcome(request, reply)
            return self._verdict(said)
        except Exception as error:  # noqa: BLE001 - it is somebody else's code
            logger.warning("check %s failed: %s: %s", self.name, type(error).__name__, str(error)[:200])
            return self.failed("the check itself failed") if self.on_failure == "fail" else None

    def _verdict(self, said: Any) -> Verdict | None:
        """Read true, false, a score, or a mapping with `passed`, `score`, `reason`; `None` is no verdict."""
        if said is None:
            return None
        if isinstance(said, Verdict):
            return replace(said, check=self.name)
        told: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
        score = told.get("score") if told else (said if not isinstance(said, bool) else None)
        passed = told.get("passed") if told else (said if isinstance(said, bool) else None)
        if score is not None:
            score = min(1.0, max(0.0, float(score)))
        if passed is None and score is None:
            raise ValueError("it says neither `passed` nor `score`")
        if passed if passed is not None else (score or 0.0) >= self.threshold:
            return self.passed(score=score)
        return self.failed(str(told.get("reason") or "it said no")[:200], score=score)


@dataclass(frozen=True, slots=True, kw_only=True)
class Python(_Own):
    """Asks a function `(request, reply)`, which may be async, for true, false, a score or a mapping."""

    call: Annotated[
        str, Field(pattern=r"^[\w.]+:\w+$", description="The function, as `package.module:name`.")
    ]
    name: Name = "python"
    seconds: Seconds = 5.0
    threshold: Threshold = 0.5
    on_failure: OnFailure = "ignore"

    def __post_init__(self) -> None:
        try:
            _function(self.call)  # now, while nobody waits for an answer
        except (ImportError, AttributeError) as error:
            raise ValueError(f"{self.call} cannot be loaded: {error}") from None

    async def _outcome(self, request: Request, reply: Reply) -> Any:
        function = _function(self.call)
        if inspect.iscoroutinefunction(function):
            return await function(request, reply)
        return await asyncio.to_thread(function, request, reply)


@lru_cache(maxsize=256)
def _function(call: str) -> Callable[..., Any]:
    module, _, name = call.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(_Own):
    """Runs a command, fed JSON on standard input; status 0 passes, or JSON on standard output says more."""

    run: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="The command and its arguments; no shell reads them."),
    ]
    name: Name = "command"
    seconds: Seconds = 5.0
    threshold: Threshold = 0.5
    on_failure: OnFailure = "ignore"

    async def _outcome(self, request: Request, reply: Reply) -> Any:
        question = await asyncio.to_thread(_told, request, reply)
        process = await asyncio.create_subprocess_exec(
            *self.run,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            output = await _talk(process, question)
            status = await process.wait()
        finally:
            if process.returncode is None:
                await _end(process)
        if output.strip():
            return orjson.loads(output)
        if status not in {0, 1}:
            raise ValueError(f"it ended with status {status}")
        return status == 0


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a command and all it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    # Read, not only waited for: asyncio does not see the end of a process whose full pipe nobody reads.
    await process.communicate()


async def _talk(process: asyncio.subprocess.Process, question: bytes) -> bytes:
    """Write the question and read the answer, at the same time: neither may wait for the other."""
    assert process.stdin is not None
    assert process.stdout is not None

    async def write(stdin: asyncio.StreamWriter) -> None:
        try:
            stdin.write(question)
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass  # it did not want to hear all of it
        finally:
            stdin.close()

    async with asyncio.TaskGroup() as group:
        group.create_task(write(process.stdin))
        reading = group.create_task(_read(process.stdout))
    return reading.result()


async def _read(stdout: asyncio.StreamReader) -> bytes:
    output = b""
    while part := await stdout.read(MOST_OUTPUT):
        output += part
        if len(output) > MOST_OUTPUT:
            raise ValueError("it says too much")
    return output


def _told(request: Request, reply: Reply) -> bytes:
    """What a command is told, as JSON."""
    told = {
        "request": {
            "id": request.id,
            "turns": [{"role": turn.role, "text": turn.text} for turn in request.turns],
            "tools": [{"name": tool.name, "parameters": tool.parameters} for tool in request.tools],
        },
        "reply": {
            "text": reply.text,
            "choices": [
                {
                    "text": choice.text,
                    "refusal": choice.refusal,
                    "finish_reason": choice.finish_reason,
                    "tool_calls": [{"name": c.name, "arguments": c.arguments} for c in choice.tool_calls],
                }
                for choice in reply.choices
            ],
        },
    }
    return orjson.dumps(_sendable(told))


def _sendable(value: Any) -> Any:
    """Replace lone surrogates, which no UTF-8 can carry."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_sendable(str(key)): _sendable(each) for key, each in value.items()}
    return [_sendable(each) for each in value] if isinstance(value, list | tuple) else value
