"""`farthing train`: fit the classifier on own traffic, and take it only if it is better."""

import importlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from router.catalog import Knowledge
from router.config import environment, load
from router.difficulty import Difficulty, artefact
from router.errors import FarthingError
from router.learning.folder import Folder
from router.learning.gather import gather
from router.learning.job import read_forgotten
from router.learning.standing import Found, find
from router.learning.training import Compared, train
from router.learning.versions import path_of, promote, rollback, versions
from router.ledger.store import Ledger, reading

MOST = 50_000
"""Outcomes trained on at most: the newest."""


@click.command()
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("farthing.yaml"), show_default=True
)
@click.option(
    "--data", type=click.Path(exists=True, path_type=Path), help="Train on texts: a folder of parquet files."
)
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed and data give the same.")
@click.option("--dry-run", is_flag=True, help="Train and compare, but take nothing.")
@click.option("--rollback", "back", is_flag=True, help="Go back to the classifier that was in force before.")
def command(path: Path, data: Path | None, seed: int, *, dry_run: bool, back: bool) -> None:
    """Train on the outcomes in the ledger, compare on the newest, and put in force what is better.

    The ledger keeps numbers and outcomes, no texts: models' abilities and lengths are fitted anew,
    what reads texts stays. With --data that is trained too.
    """
    config = load(path, environ=environment())
    folder = Folder(config.data)
    if back:
        version = rollback(folder)
        click.echo(
            f"In force again: {'the shipped classifier' if version is None else f'version {version}'}."
        )
        return
    found = find(folder)
    if data is not None:
        texts = importlib.import_module("router.commands.texts")
        candidate, compared = texts.train(found, data, seed)
    else:
        knowledge, now = Knowledge.load(), datetime.now(UTC)
        models = {model.name: knowledge.complete(model) for model in config.catalogue()}
        with reading(Ledger(config.data)) as connection:
            gathered = gather(
                connection,
                models=tuple(models),
                scale=found.base.scale,
                now=now,
                forgotten=read_forgotten(folder),
                most=MOST,
            )
        candidate, compared = train(found, gathered, models, now=now, seed=seed)
    click.echo(_told(compared))
    if not compared.better:
        raise FarthingError("The candidate is not better beyond chance, so what is in force stays.")
    if dry_run:
        click.echo("Nothing was changed, because of --dry-run.")
        return
    click.echo(f"In force: version {_take(folder, found, candidate, compared, seed)}.")


def _told(compared: Compared) -> str:
    return (
        f"Trained on {compared.trained_on} outcomes; on {compared.held_back} newer ones held back, "
        f"log loss {compared.before:.4f} before, {compared.after:.4f} after: "
        f"{compared.difference:+.4f} [{compared.low:+.4f}, {compared.high:+.4f}]."
    )


def _take(folder: Folder, found: Found, candidate: Difficulty, compared: Compared, seed: int) -> int:
    version = max(versions(folder), default=0) + 1
    folder.artefacts.mkdir(parents=True, exist_ok=True)
    about: Mapping[str, Any] = {
        "trained_on": compared.trained_on,
        "held_back": compared.held_back,
        "difference": [compared.difference, compared.low, compared.high],
        "seed": seed,
        "instead_of": found.checksum,
    }
    artefact.save(candidate, path_of(folder, version), dict(about))
    promote(folder, version)
    return version
