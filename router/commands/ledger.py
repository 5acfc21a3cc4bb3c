"""`farthing ledger`: keep the ledger whole, safe and small."""

from datetime import UTC, datetime
from pathlib import Path

import click

from router.commands.options import DATA
from router.content import copy as copy_texts
from router.content import prune as delete_texts
from router.errors import FarthingError
from router.ledger import healing, keeping, kept
from router.ledger.drain import drain_once
from router.ledger.kinds import KINDS
from router.ledger.parquet import content as content_of
from router.ledger.store import Ledger, Patience, reading

TEXTS = "content"

LONG = 3600.0
"""Seconds to wait while the proxy's drainer makes the ledger anew."""


@click.group(name="ledger")
def command() -> None:
    """Verify, back up, prune and compact the ledger, also while the proxy serves."""


@command.command()
@DATA
def verify(data: Path) -> None:
    """Read all of it, and say what is wrong; exit status 1 if anything is."""
    found = keeping.verify(_drained(data))
    for line in keeping.described(found.tables):
        click.echo(line)
    for wrong in found.wrong:
        click.echo(f"wrong: {wrong}", err=True)
    if found.wrong:
        raise SystemExit(1)
    click.echo("Nothing is wrong with it.")


@command.command()
@DATA
@click.option(
    "--backup",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A backup to take what is not kept from.",
)
def repair(data: Path, backup: Path | None) -> None:
    """Make the ledger's file anew of what is kept beside it; the old file is moved aside, never deleted.

    The drainer does so by itself when the file is damaged.
    """
    ledger = Ledger(data)
    if not kept.begun(ledger):
        raise FarthingError(f"Nothing is kept in {ledger.kept} to make the ledger anew of.")
    healing.ask(ledger, backup)
    for _ in Patience(seconds=LONG).tries():
        if drain_once(ledger) is not None or not healing.is_due(ledger):
            break
    with reading(ledger) as connection:
        tables = {table: content_of(connection, table) for table in KINDS}
    for line in keeping.described(tables):
        click.echo(line)
    for gap in kept.lost(ledger):
        click.echo(f"lost: {gap}", err=True)
    for aside in healing.asides(ledger)[-1:]:
        click.echo(f"The file as it was is {aside}.")


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@DATA
@click.option("--content", is_flag=True, help="Texts that policies keep, too, and the key of hashed ones.")
def backup(folder: Path, data: Path, *, content: bool) -> None:
    """Copy the ledger to FOLDER as Parquet, all of it in one state."""
    for line in keeping.described(keeping.backup(_drained(data), folder)):
        click.echo(line)
    if content:
        click.echo(f"content: {copy_texts(data / TEXTS, folder / TEXTS)} files")


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@DATA
def restore(folder: Path, data: Path) -> None:
    """Make a ledger of the backup in FOLDER, where there is none."""
    for line in keeping.described(keeping.restore(folder, Ledger(data))):
        click.echo(line)
    if (folder / TEXTS).is_dir():
        click.echo(f"content: {copy_texts(folder / TEXTS, data / TEXTS)} files")


@command.command()
@click.option("--older-than", "age", required=True, metavar="AGE", help="12h, 90d or 8w.")
@click.option(
    "--archive",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write what goes to this folder first, a Parquet file a day.",
)
@DATA
def prune(age: str, archive: Path | None, data: Path) -> None:
    """Let go of requests that ended that long ago, and of texts kept before."""
    before = keeping.age(age, datetime.now(UTC))
    gone = keeping.prune(_drained(data), before, archive)
    delete_texts(data / TEXTS, before.date())
    click.echo(f"{gone} rows are gone; `farthing ledger compact` gives their room back.")


@command.command()
@DATA
def compact(data: Path) -> None:
    """Write the ledger's file anew without the room of what is gone."""
    before, after = keeping.compact(_drained(data))
    click.echo(f"{before / 1e6:.1f} MB became {after / 1e6:.1f} MB.")


def _drained(data: Path) -> Ledger:
    ledger = Ledger(data)
    drain_once(ledger)
    return ledger
