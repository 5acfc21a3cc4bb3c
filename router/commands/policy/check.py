"""`farthing policy check`: errors as the server would find them, and what is doubtful today."""

from datetime import UTC, datetime
from pathlib import Path

import click

from evaluators import EVALUATORS
from router.catalog import Knowledge
from router.config import doubtful, environment, load, text_of
from router.errors import ConfigError


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("farthing.yaml"), metavar="[FILE]")
@click.option("--lenient", is_flag=True, help="Succeed in spite of doubts.")
def command(file: Path, *, lenient: bool) -> None:
    """Say what is wrong with the policies of FILE, as `file:line:column: what`.

    A doubt is what a server takes, but what today leaves a policy without a model, or a claim without weight:
    it is too old, denied, or has no price.
    """
    complete = Knowledge.load().complete
    try:
        config = load(file, environ=environment(), known_checks=EVALUATORS, complete=complete)
        doubts = doubtful(
            text_of(file),
            config,
            file=str(file),
            environ=environment(),
            complete=complete,
            today=datetime.now(UTC).date(),
        )
    except ConfigError as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None
    for doubt in doubts:
        click.echo(f"{doubt}", err=True)
    if doubts and not lenient:
        raise SystemExit(1)
    names = ", ".join(config.policies)
    click.echo(
        f"{file} is right{' but for the above' if doubts else ''}: {len(config.policies)} policies, {names}."
    )
