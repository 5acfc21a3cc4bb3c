"""`farthing batch results ID`."""

import asyncio
from pathlib import Path

import click

from router.commands.batch.client import Client, ServerSaid, path_of, speaking
from router.errors import FarthingError


@click.command()
@click.argument("batch_id")
@click.option("--errors", is_flag=True, help="The lines that failed, instead of those that did not.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write [stdout].")
@speaking
async def command(client: Client, *, batch_id: str, errors: bool, out: Path | None) -> None:
    """Write what became of each line, as JSONL in the order of the file."""
    batch = await client.call("GET", path_of(batch_id))
    file_id = batch["error_file_id" if errors else "output_file_id"]
    if file_id is None:
        which = "failed" if errors else "succeeded"
        raise ServerSaid(f"The batch is {batch['status']}, and there are no lines that {which}.")
    content = await client.fetch("GET", f"/files/{file_id}/content")
    if out is None:
        click.echo(content, nl=False)
    else:
        try:
            await asyncio.to_thread(out.write_bytes, content)
        except OSError as error:
            raise FarthingError(f"{out} cannot be written: {error.strerror}.") from None
