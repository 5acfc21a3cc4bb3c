"""The shipped double: answers like a model of a given ability, and never leaves the process.

Nothing it says is knowledge, and no figure made with it says anything about a real model.
Tests, benchmarks and the demo use it through the seam that real upstreams use.
The same seed, model and conversation give the same reply, however often it is asked for.
"""

import asyncio
import hashlib
import re
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from itertools import zip_longest

import orjson

from router.errors import Broken, RateLimited, Truncated
from router.seams import Stream
from router.types import (
    NOTHING,
    Delta,
    Ending,
    Endpoint,
    Grade,
    Model,
    Request,
    Rescue,
    ToolCall,
    Turn,
    Usage,
)
from router.upstreams.simulated_replies import Dice, Persona, Script, script
from router.upstreams.simulated_tasks import Call, Task, normalised
from router.upstreams.simulated_vectors import vectors

PIECE = re.compile(r"(?:\S+\s*){1,3}|\s+")
"""What one delta carries: about four tokens."""

SHORTEST_SLEEP = 0.002
"""Seconds; what is due below this waits for the next piece, because timers tick in milliseconds."""


def rough_count(text: str) -> int:
    """Count tokens as a quarter of the characters."""
    return (len(text) + 3) // 4


class Simulated:
    """Simulated models, each with the persona of its name; `tasks` are the prompts they know answers to.

    `count` counts tokens of a text, `sleep` waits some seconds: tests bring their own.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        first_token_ms: float = 0.0,
        tokens_per_second: float = float("inf"),
        personas: Mapping[str, Persona] = NOTHING,
        tasks: Mapping[str, Task] = NOTHING,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        count: Callable[[str], int] = rough_count,
    ) -> None:
        self._seed, self._personas, self._tasks = seed, personas, tasks
        self._first, self._per_token = first_token_ms / 1000, 1 / tokens_per_second
        self._sleep, self._count = sleep, count

    async def send(self, request: Request, model: Model, /) -> Stream:
        """Stream one reply, paced; a plain request gets each choice in one piece."""
        persona = self._personas.get(model.name, Persona())
        dice = self._dice(request, model)
        broken, kind = dice("error") < persona.error_rate, int(dice("error kind") * 3)
        await self._sleep(self._first)
        if broken and kind == 0:
            raise RateLimited("The simulated upstream is overloaded, as its persona has it.", status=503)
        if broken and kind == 1:
            raise Broken("The simulated upstream failed, as its persona has it.", status=500)
        if request.endpoint is Endpoint.EMBEDDINGS:
            yield (Delta(served_model=model.upstream_name),)
            yield Ending(usage=self._usage(request, 0), envelope={"data": vectors(request, model.name)})
            return
        scripts = [
            self._script(_alone(request, n), model, persona, dice, n) for n in range(request.limits.choices)
        ]
        spent = [self._tokens(one) for one in scripts]
        if request.body.get("echo") is True:
            scripts = [_echoed(request, n, said) for n, said in enumerate(scripts)]
        if not request.stream:
            await self._sleep(max(spent) * self._per_token)
        due = 0.0
        for delta in _deltas(scripts, model, stream=request.stream):
            yield (delta,)
            if broken:
                raise Truncated
            if request.stream:
                due += rough_count(delta.text) * self._per_token
                if due >= SHORTEST_SLEEP:
                    await self._sleep(due)
                    due = 0.0
        yield Ending(usage=self._usage(request, sum(spent)), served_model=model.upstream_name)

    async def close(self) -> None:
        """Nothing is held."""

    def _script(self, request: Request, model: Model, persona: Persona, dice: Dice, choice: int) -> Script:
        said = script(
            request, model.name, persona, self._task(request), lambda name: dice(f"{name} {choice}")
        )
        limits = (request.limits.output_tokens, model.max_output)
        room = min((limit for limit in limits if limit is not None), default=None)
        return said if room is None else self._fitted(said, room)

    def _task(self, request: Request) -> Task | None:
        """Look the prompt up by its last user message; a tool that has answered is not called again."""
        asked = [turn.text for turn in reversed(request.turns) if turn.role == "user"] or [""]
        # A repair ends in a complaint about the answer to the question before it.
        task = self._tasks.get(normalised(asked[1 if request.variant == Rescue.REPAIR else 0]))
        called = request.turns[-1].role == "tool" and task is not None and isinstance(task.answer, Call)
        return None if called else task

    def _dice(self, request: Request, model: Model) -> Dice:
        """Make the dice of one conversation; a caller's own `seed` or a rescue asks for other throws."""
        said = [(turn.role, turn.text) for turn in request.turns]
        again = [str(request.variant)] if request.variant else []
        key = hashlib.blake2b(orjson.dumps([self._seed, request.body.get("seed"), model.name, said, *again]))

        def dice(name: str) -> float:
            thrown = key.copy()
            thrown.update(name.encode())
            return int.from_bytes(thrown.digest()[:8]) / 2**64

        return dice

    def _fitted(self, said: Script, room: int) -> Script:
        """Cut what has no room, and say so as upstreams do."""
        if self._tokens(said) <= room:
            return said
        name, whole = said.call or ("", said.text)
        ends = [match.end() for match in re.finditer(r"\s*\S+", whole)]
        fits = bisect_right(ends, room, key=lambda end: self._count(whole[:end]))
        kept = whole[: ends[fits - 1] if fits else 0]
        return Script(
            text="" if said.call else kept, call=(name, kept) if said.call else None, finish="length"
        )

    def _tokens(self, said: Script) -> int:
        return self._count(said.text) + (self._count(" ".join(said.call)) if said.call else 0)

    def _usage(self, request: Request, output: int) -> Usage:
        prompt = sum(self._count(turn.text) + 4 for turn in request.turns) + sum(request.token_counts)
        if tools := request.body.get("tools"):
            prompt += self._count(orjson.dumps(tools).decode())
        return Usage(input=prompt, output=output, cached=0, grade=Grade.REPORTED)


def _alone(request: Request, choice: int) -> Request:
    """Give the request of one choice: where texts are sent apart, its own text alone."""
    return replace(request, turns=(_prompt(request, choice),)) if request.apart else request


def _echoed(request: Request, choice: int, said: Script) -> Script:
    return replace(said, text=_prompt(request, choice).text + said.text)


def _prompt(request: Request, choice: int) -> Turn:
    return request.turns[choice * len(request.turns) // request.limits.choices]


def _deltas(scripts: list[Script], model: Model, *, stream: bool) -> list[Delta]:
    """Cut choices into deltas, the choices side by side as servers send them."""
    if not stream:
        return [delta for index, said in enumerate(scripts) for delta in _whole(index, said, model)]
    columns = [_streamed(index, said, model) for index, said in enumerate(scripts)]
    return [delta for row in zip_longest(*columns) for delta in row if delta is not None]


def _whole(index: int, said: Script, model: Model) -> list[Delta]:
    calls: tuple[ToolCall, ...] = ()
    if said.call:
        name, arguments = said.call
        calls = (ToolCall(id=_call_id(said), name=name, arguments=arguments),)
    return [
        Delta(
            choice=index,
            role="assistant",
            text=said.text,
            tool_calls=calls,
            finish_reason=said.finish,
            served_model=model.upstream_name,
        )
    ]


def _streamed(index: int, said: Script, model: Model) -> list[Delta]:
    deltas = [Delta(choice=index, role="assistant", served_model=model.upstream_name)]
    deltas += [Delta(choice=index, text=piece) for piece in PIECE.findall(said.text)]
    if said.call:
        name, arguments = said.call
        deltas.append(Delta(choice=index, tool_calls=(ToolCall(id=_call_id(said), name=name),)))
        pieces = [arguments[at : at + 16] for at in range(0, len(arguments), 16)]
        deltas += [Delta(choice=index, tool_calls=(ToolCall(arguments=piece),)) for piece in pieces]
    deltas.append(Delta(choice=index, finish_reason=said.finish))
    return deltas


def _call_id(said: Script) -> str:
    digest = hashlib.blake2b(repr(said.call).encode(), digest_size=9).hexdigest()
    return f"call_{digest}"
