"""`farthing batch submit FILE`."""

from decimal import Decimal
from pathlib import Path

import aiohttp
import click
from rich.console import Console

from batch.intake import endpoint_of
from batch.jobs import ENDPOINTS
from batch.wire import window_of
from router.commands.batch.client import Client, ServerSaid, speaking
from router.commands.batch.show import follow, problems, table


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--window", default="24h", show_default=True, help="How long it may take, such as 45m or 7d.")
@click.option("--endpoint", type=click.Choice(list(ENDPOINTS)), help="[what the first line says]")
@click.option(
    "--max-cost-usd",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop when so much is spent; what is done is kept.",
)
@click.option("--watch", is_flag=True, help="Follow it to its end.")
@speaking
async def command(
    client: Client, *, file: Path, window: str, endpoint: str | None, max_cost_usd: float | None, watch: bool
) -> None:
    """Upload FILE (JSONL, as for OpenAI's Batch API) and make a batch of it; prints the batch's id."""
    window_of(window)  # before so much is sent
    form = aiohttp.FormData()
    form.add_field("purpose", "batch")
    with file.open("rb") as content:
        form.add_field("file", content, filename=file.name)
        uploaded = await client.call("POST", "/files", data=form)
    asked = {
        "input_file_id": uploaded["id"],
        "endpoint": endpoint or endpoint_of(file),
        "completion_window": window,
    }
    if max_cost_usd is not None:
        asked["metadata"] = {"farthing_max_cost_usd": str(Decimal(str(max_cost_usd)))}
    try:
        batch = await client.call("POST", "/batches", json=asked)
    except ServerSaid:
        await client.call("DELETE", f"/files/{uploaded['id']}")
        raise
    click.echo(batch["id"])
    if watch:
        batch = await follow(client, batch)
        Console(stderr=True).print(table([batch]))
        for problem in problems(batch):
            click.echo(f"farthing: {problem}", err=True)
