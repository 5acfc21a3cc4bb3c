"""`python -m tests.bench.batch`: how full batches keep a real vLLM, and what those who wait notice of it.

One engine serves all of a run.
Saturation: the same lines as a batch, and by a client that keeps as many calls under way as serve it best.
Latency: the time to the first token of streams, one after another, alone and beside work that can wait.
Lines have no prefix in common and answers a fixed length, so that only scheduling differs.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import click

from tests.bench.cpu import Spent, shared, spent
from tests.bench.double import written
from tests.support.vllm_engine import RealEngine, real_engine

NO_FIELDS: Mapping[str, Any] = {}
INTERACTIVE_TOKENS = 8
EVERY = 0.2
"""Seconds between the ends and the beginnings of streams."""


def line(number: int, tokens: int, **fields: Any) -> dict[str, Any]:
    said = f"{number} is the {number % 97}th of the numbers: what is {number} and {number + 1}?"
    return {
        "model": "tiny",
        "max_tokens": tokens,
        "ignore_eos": True,
        "messages": [{"role": "user", "content": said}],
        **fields,
    }


class Direct:
    """A client of the engine itself, with `width` calls under way."""

    def __init__(self, engine: RealEngine, tokens: int) -> None:
        self._url, self._tokens = f"{engine.url}/v1/chat/completions", tokens

    async def run(self, numbers: Sequence[int], width: int, **fields: Any) -> None:
        left = iter(numbers)
        # A connection each: some servers close one that is kept just as it is used again.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(self._work(session, left, fields))

    async def _work(self, session: aiohttp.ClientSession, left: Any, fields: Mapping[str, Any]) -> None:
        for number in left:
            async with session.post(self._url, json=line(number, self._tokens, **fields)) as response:
                assert response.status == 200, await response.text()
                await response.read()


class Batch:
    """The same lines through Farthing: uploaded, and followed until they have ended."""

    def __init__(self, engine: RealEngine, tokens: int) -> None:
        self._client, self._tokens = engine.client, tokens

    def submit(self, numbers: Sequence[int]) -> str:
        rows = (
            json.dumps(
                {
                    "custom_id": f"q{number}",
                    "method": "POST",
                    "url": "/v1/chat/completions",
                    "body": line(number, self._tokens),
                }
            )
            for number in numbers
        )
        file = self._client.files.create(file=("in.jsonl", "\n".join(rows).encode()), purpose="batch")
        endpoint: Any = "/v1/chat/completions"
        return self._client.batches.create(
            input_file_id=file.id, endpoint=endpoint, completion_window="24h"
        ).id

    def done(self, batch_id: str) -> int:
        counts = self._client.batches.retrieve(batch_id).request_counts
        assert counts is not None
        assert not counts.failed, counts
        return counts.completed

    async def over(self, batch_id: str) -> None:
        while True:
            batch = await asyncio.to_thread(self._client.batches.retrieve, batch_id)
            if batch.status not in {"validating", "in_progress", "finalizing"}:
                assert batch.status == "completed", batch
                return
            await asyncio.sleep(0.2)

    def cancel(self, batch_id: str) -> None:
        with suppress(Exception):
            self._client.batches.cancel(batch_id)


async def rated(engine: RealEngine, lines: int, work: Callable[[], Awaitable[None]]) -> tuple[float, Spent]:
    """Return lines a second, and CPU milliseconds a line of the engine, of Farthing, and of this client."""
    before, began = spent(engine), time.monotonic()
    await work()
    seconds = time.monotonic() - began
    return lines / seconds, (spent(engine) - before) / lines


async def saturation(engine: RealEngine, lines: int, tokens: int, widths: Sequence[int], rounds: int) -> None:
    direct, batch = Direct(engine, tokens), Batch(engine, tokens)
    await direct.run(range(64), 16)
    # The first batch also waits until the process that answers its lines has loaded everything.
    await batch.over(batch.submit(range(64)))
    probe = range(max(200, lines // 4))
    rates = {}
    for width in widths:
        rates[width], _ = await rated(engine, len(probe), lambda width=width: direct.run(probe, width))  # type: ignore[misc]
    best = max(rates, key=rates.__getitem__)
    click.echo("direct, " + ", ".join(f"{width} at once: {rate:.1f}/s" for width, rate in rates.items()))
    ratios, left = [], []
    for number in range(rounds):
        whole = range((number + 1) * 10**6, (number + 1) * 10**6 + lines)
        alone, alone_cpu = await rated(engine, lines, lambda w=whole: direct.run(w, best))  # type: ignore[misc]
        ours, our_cpu = await rated(engine, lines, lambda w=whole: batch.over(batch.submit(w)))  # type: ignore[misc]
        ratios.append(ours / alone)
        left.append(undisturbed(ours, our_cpu) / undisturbed(alone, alone_cpu))
        click.echo(f"direct, {best} at once  {alone:7.1f} lines/s   CPU ms a line: {alone_cpu}")
        click.echo(
            f"batch by Farthing    {ours:7.1f} lines/s   CPU ms a line: {our_cpu}   {ours / alone:.1%}"
        )
    click.echo(
        f"saturation: {statistics.median(ratios):.1%} of the best direct client ({tokens} tokens a line)"
        f"   {statistics.median(left):.1%} had others on this machine taken no CPU"
    )


def undisturbed(rate: float, cpu: Spent) -> float:
    """Lines a second of all the CPU that others left: for an engine that takes whatever there is."""
    share = rate * cpu.others / (os.cpu_count() or 1)
    return rate / (1 - min(share, 0.9))


async def first_tokens(url: str, seconds: float, **fields: Any) -> list[float]:
    """Stream one answer after another for so long; return each one's milliseconds to its first token."""
    found: list[float] = []
    end = time.monotonic() + seconds
    body = line(1, INTERACTIVE_TOKENS, stream=True, **fields)
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < end:
            began = time.monotonic()
            async with session.post(f"{url}/chat/completions", json=body) as response:
                async for row in response.content:
                    if row.startswith(b"data: ") and b'"content":"' in row.replace(b'": "', b'":"'):
                        found.append((time.monotonic() - began) * 1000)
                        break
                await response.read()
            await asyncio.sleep(EVERY)
    return found


def shown(name: str, found: Sequence[float], idle: float | None, done: float | None = None) -> float:
    p95 = statistics.quantiles(found, n=20)[-1]
    beside = f"   {p95 / idle:5.2f} of idle" if idle else ""
    rate = f"   {done:6.1f} lines/s beside" if done is not None else ""
    click.echo(
        f"{name:<34} first token ms: p50 {statistics.median(found):7.1f}  p95 {p95:7.1f}"
        f"  n {len(found):4d}{beside}{rate}"
    )
    return p95


async def latency(engine: RealEngine, tokens: int, width: int, seconds: float) -> None:
    url = engine.server.url
    await first_tokens(url, 3)
    idle = shown("idle", await first_tokens(url, seconds), None)
    await _gated(engine, tokens, seconds, idle)
    for name, priority in (("beside a client without a gate", None), ("the same, engine priority alone", 10)):
        fields = {} if priority is None else {"priority": priority}
        before = engine.load().ended
        load = asyncio.ensure_future(Direct(engine, tokens).run(range(10**6), width, **fields))
        await asyncio.sleep(2)
        found = await first_tokens(url, seconds)
        rate = (engine.load().ended - before - len(found)) / (seconds + 2)
        load.cancel()
        with suppress(asyncio.CancelledError):
            await load
        shown(name, found, idle, rate)
    shown("idle again", await first_tokens(url, seconds / 2), idle)


async def _gated(engine: RealEngine, tokens: int, seconds: float, idle: float) -> None:
    batch = Batch(engine, tokens)
    batch_id = await asyncio.to_thread(batch.submit, range(20_000))
    while batch.done(batch_id) < 50:  # noqa: ASYNC110 - it is asked over HTTP
        await asyncio.sleep(0.2)
    before = batch.done(batch_id)
    found = await first_tokens(engine.server.url, seconds)
    after = await asyncio.to_thread(batch.done, batch_id)
    shown("beside a batch by Farthing", found, idle, (after - before) / seconds)
    settled = found[len(found) // 5 :]
    shown("  the same, its first fifth left out", settled, idle)
    await asyncio.sleep(12)
    batch.cancel(batch_id)
    while engine.load().running:  # noqa: ASYNC110
        await asyncio.sleep(0.2)


@click.command(help=__doc__)
@click.option("--lines", default=2000, show_default=True)
@click.option("--tokens", default=128, show_default=True, help="How long every answer is.")
@click.option("--widths", default="16,32,64,128", show_default=True)
@click.option("--rounds", default=2, show_default=True)
@click.option("--seconds", default=30.0, show_default=True, help="How long each latency is measured.")
@click.option("--beside", default=0, show_default=True, help="`beside_interactive` of the pool.")
@click.option(
    "--double", is_flag=True, help="A stand-in for the engine that costs little: the scheduler alone."
)
@click.option(
    "--nice", default=0, help="Our niceness and theirs; -15, as root, gives the run the right of way."
)
@click.option("--only", type=click.Choice(["saturation", "latency"]))
def main(  # noqa: PLR0917 - its options
    lines: int,
    tokens: int,
    widths: str,
    rounds: int,
    seconds: float,
    beside: int,
    double: bool,
    nice: int,
    only: str | None,
) -> None:
    os.nice(nice)
    with (
        tempfile.TemporaryDirectory() as folder,
        real_engine(
            Path(folder),
            home=written(Path(folder) / "double") if double else None,
            pool={"most": 256, "beside_interactive": beside},
        ) as engine,
    ):
        shared(engine)
        if only != "latency":
            asyncio.run(saturation(engine, lines, tokens, [int(w) for w in widths.split(",")], rounds))
        if only != "saturation":
            asyncio.run(latency(engine, tokens, 64, seconds))


if __name__ == "__main__":
    main()
