"""`python -m tests.bench.queues`: lines a second that a runner gets through each store, with instant answers.

What is measured is the queue alone: claims, results, counts, and the files at the end.
"""

import asyncio
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

import click

from batch.claiming import Meal
from batch.jobs import Batch, Claim, File, Result, State
from batch.place import Place
from batch.runner import Runner
from router.clock import SystemClock
from router.types import Principal
from tests.support.postgres_server import postgres

ROOM = 128
ENDPOINT = "/v1/chat/completions"
BODY = b"x" * 600


async def answer(_batch: Batch, claim: Claim, _raw: bytes) -> Result:
    """Answer at once, with 600 bytes."""
    return Result(
        status=200, body=BODY, request_id=f"{claim.line.number}", model="m", attempts=1, cost=1_000_000
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run took: seconds until the batch had ended, and those of all runners' processors."""

    lines: int
    seconds: float
    cpu: float

    def __str__(self) -> str:
        return (
            f"{self.lines / self.seconds:7.0f} lines/s, {self.cpu / self.lines * 1e6:6.0f} µs of CPU a line"
        )


def work(
    place: Place, name: str, batch_id: str, spent: "multiprocessing.Queue[float]", ready: Barrier
) -> None:
    """Run one runner until the batch is over."""

    async def until_over() -> None:
        store, shelf = place.open()
        stop, claims = asyncio.Event(), dict[str, Claim]()
        runner = Runner(
            store,
            shelf,
            answer,
            clock=SystemClock(),
            worker=name,
            meal=lambda: Meal(ROOM - len(claims)),
            claims=claims,
        )
        task = asyncio.ensure_future(runner.run(stop))
        ready.wait()
        while True:
            batch = await asyncio.to_thread(store.batch, batch_id)
            if batch is not None and batch.state.over:
                break
            await asyncio.sleep(0.1)
        stop.set()
        await task

    asyncio.run(until_over())
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent.put(used.ru_utime + used.ru_stime)


def measure(place: Place, lines: int, runners: int) -> Measured:
    """Put one batch in a store and have it worked through."""
    store, shelf = place.open()
    rows = (
        json.dumps({"custom_id": f"c{n}", "url": ENDPOINT, "body": {"model": "m", "messages": [n]}})
        for n in range(lines)
    )
    size = shelf.write("file-in", [row.encode() for row in rows])
    now = int(time.time())  # noqa: TID251 - a batch's beginning, and no duration
    store.add_file(File(id="file-in", purpose="batch", name="in", size=size, created=now))
    batch = Batch(
        id="batch_1", principal=Principal(), endpoint=ENDPOINT, input_file="file-in", window=3600, created=now
    )
    spawn = multiprocessing.get_context("spawn")
    spent, ready = spawn.Queue(), spawn.Barrier(runners + 1)
    processes = [
        spawn.Process(target=work, args=(place, f"w{n}", batch.id, spent, ready)) for n in range(runners)
    ]
    for process in processes:
        process.start()
    ready.wait()
    began = time.monotonic()
    store.add_batch(batch)
    while (there := store.batch(batch.id)) is None or not there.state.over:
        time.sleep(0.05)
    seconds = time.monotonic() - began
    assert (there.state, there.counts.completed) == (State.COMPLETED, lines)
    cpu = sum(spent.get() for _ in processes)
    for process in processes:
        process.join()
    return Measured(lines, seconds, cpu)


@contextmanager
def places() -> Iterator[Iterator[tuple[str, int, Place]]]:
    """Give each store, with how many runners are to work on it."""
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        yield (
            (name, runners, Place(Path(folder) / f"{name}-{runners}", server.database() if shared else None))
            for name, runners, shared in (
                ("SQLite", 1, False),
                ("PostgreSQL", 1, True),
                ("PostgreSQL", 2, True),
            )
        )


@click.command()
@click.option("--lines", default=5000, show_default=True)
def main(lines: int) -> None:
    """Measure all of them in one run."""
    with places() as each:
        for name, runners, place in each:
            click.echo(
                f"{name:10}, {runners} runner{'s' if runners > 1 else ' '}: {measure(place, lines, runners)}"
            )


if __name__ == "__main__":
    main()
