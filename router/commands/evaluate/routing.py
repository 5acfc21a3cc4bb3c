"""`farthing evaluate routing`."""

from pathlib import Path

import click


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of parquet files.")
def command(data: Path) -> None:
    """Measure."""
    raise click.ClickException(f"not written yet ({data})")
