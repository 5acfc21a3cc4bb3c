"""`farthing batch cancel ID`."""

import click
from rich.console import Console

from router.commands.batch.client import Client, path_of, speaking
from router.commands.batch.show import table


@click.command()
@click.argument("batch_id")
@speaking
async def command(client: Client, *, batch_id: str) -> None:
    """Stop a batch: lines under way end, the others are given up, and what is done is kept."""
    Console().print(table([await client.call("POST", f"{path_of(batch_id)}/cancel")]))
