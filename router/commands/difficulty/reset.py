"""`farthing difficulty reset`: begin anew, in general or for a model or a policy."""

from datetime import UTC, datetime
from pathlib import Path

import click

from router.config import environment, load
from router.learning.folder import Folder, write
from router.learning.job import read_forgotten
from router.learning.placed import remove_placed


@click.command()
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("farthing.yaml"), show_default=True
)
@click.option("--model", help="Only what was learnt of this model, and where it was placed.")
@click.option("--policy", help="Only what was learnt under this policy.")
def command(path: Path, model: str | None, policy: str | None) -> None:
    """Forget what was learnt so far; the ledger keeps everything, but only what comes now counts.

    Without an option everything is forgotten, where models were placed too.
    """
    folder = Folder(load(path, environ=environment()).data)
    now = datetime.now(UTC)
    forgotten = read_forgotten(folder)
    models, policies, everything = dict(forgotten.models), dict(forgotten.policies), forgotten.everything
    if model is not None:
        models[model] = now
    if policy is not None:
        policies[policy] = now
    if model is None and policy is None:
        everything = now
    with folder.locked():
        write(
            folder.forgotten,
            {
                "everything": everything.isoformat() if everything else None,
                "models": {name: time.isoformat() for name, time in models.items()},
                "policies": {name: time.isoformat() for name, time in policies.items()},
            },
        )
    placed = remove_placed(folder, model) if policy is None or model is not None else 0
    folder.local.unlink(missing_ok=True)
    what = " and ".join(filter(None, (model, policy and f"policy {policy}"))) or "everything"
    also = f", {placed} placed" if placed else ""
    click.echo(f"Forgotten: {what}{also}. A running server takes it within seconds.")
