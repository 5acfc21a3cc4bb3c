"""A batch, or a list of them, in a terminal."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from router.commands.batch.client import Client, NoServer

OVER = frozenset({"completed", "failed", "expired", "cancelled"})
LOOK_EVERY = 0.5

RESTART_LOOKS = 120
"""How often a server that is followed may not answer, before it is taken to be gone."""


async def follow(client: Client, batch: Mapping[str, Any]) -> Mapping[str, Any]:
    """Show a batch's progress until it is over, and return it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("${task.fields[cost]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(batch["status"], total=None, cost="0")
        while True:
            counts = batch["request_counts"]
            progress.update(
                task,
                description=batch["status"],
                total=counts["total"] or None,
                completed=counts["completed"] + counts["failed"],
                cost=batch["farthing"]["cost_usd"],
            )
            if batch["status"] in OVER:
                return batch
            await asyncio.sleep(LOOK_EVERY)
            batch = await _seen_again(client, batch)


async def _seen_again(client: Client, batch: Mapping[str, Any]) -> Any:
    """Ask for a batch once more; a server that is being started again is waited for."""
    for _ in range(RESTART_LOOKS):
        try:
            return await client.call("GET", f"/batches/{batch['id']}")
        except NoServer:
            await asyncio.sleep(LOOK_EVERY)
    return await client.call("GET", f"/batches/{batch['id']}")


def table(batches: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out batches, one a row."""
    shown = Table(box=None)
    for name in ("batch", "status", "created (UTC)"):
        shown.add_column(name)
    for name in ("lines", "done", "failed", "cost"):
        shown.add_column(name, justify="right")
    for batch in batches:
        counts = batch["request_counts"]
        shown.add_row(
            batch["id"],
            batch["status"],
            f"{datetime.fromtimestamp(batch['created_at'], UTC):%Y-%m-%d %H:%M}",
            *(f"{counts[name]:,}" for name in ("total", "completed", "failed")),
            f"${batch['farthing']['cost_usd']}",
        )
    return shown


def problems(batch: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a batch as a whole, a sentence each."""
    return [problem["message"] for problem in (batch["errors"] or {}).get("data", [])]
