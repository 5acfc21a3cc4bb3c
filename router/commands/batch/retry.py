"""`farthing batch retry ID`."""

import click
from rich.console import Console

from router.commands.batch.client import Client, path_of, speaking
from router.commands.batch.show import table


@click.command()
@click.argument("batch_id")
@speaking
async def command(client: Client, *, batch_id: str) -> None:
    """Try the failed and given-up lines of a batch that is over once more."""
    Console().print(table([await client.call("POST", f"{path_of(batch_id)}/retry")]))
