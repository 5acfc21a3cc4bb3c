"""Options that several commands have."""

from pathlib import Path

import click

DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("farthing-data"),
    show_default=True,
    help="The folder of spool and ledger.",
)

CONFIG = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration whose ledger is read [farthing.yaml, if there is one].",
)
