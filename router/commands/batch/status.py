"""`farthing batch status [ID]`."""

import click
import orjson
from rich.console import Console

from router.commands.batch.client import Client, path_of, speaking
from router.commands.batch.show import follow, problems, table


@click.command()
@click.argument("batch_id", required=False)
@click.option("--watch", is_flag=True, help="Follow a batch to its end.")
@click.option("--json", "as_json", is_flag=True, help="As the server says it.")
@speaking
async def command(client: Client, *, batch_id: str | None, watch: bool, as_json: bool) -> None:
    """Say where a batch stands, or the last twenty."""
    if batch_id is None:
        batches = (await client.call("GET", "/batches"))["data"]
        if watch:
            raise click.UsageError("--watch needs the id of a batch.")
    else:
        batches = [await client.call("GET", path_of(batch_id))]
        if watch:
            batches = [await follow(client, batches[0])]
    if as_json:
        click.echo(orjson.dumps(batches if batch_id is None else batches[0], option=orjson.OPT_INDENT_2))
        return
    Console().print(table(batches))
    for batch in batches:
        for problem in problems(batch):
            click.echo(f"{batch['id']}: {problem}")
