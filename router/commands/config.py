"""`farthing config`: look at a configuration before anything depends on it."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.syntax import Syntax

from evaluators import EVALUATORS
from router.catalog import Knowledge
from router.config import Config, environment, load, schema, shown
from router.errors import ConfigError

FILE = click.argument(
    "file", type=click.Path(path_type=Path), default=Path("farthing.yaml"), metavar="[FILE]"
)


@click.group(name="config")
def command() -> None:
    """Check and show the configuration (FILE is farthing.yaml if left out)."""


@command.command()
@FILE
def check(file: Path) -> None:
    """Say everything that is wrong with FILE, as `file:line:column: what`."""
    config = _load(file)
    counts = ((config.upstreams, "upstream"), (config.models, "model"), (config.policies, "policy"))
    click.echo(f"{file} is right: {', '.join(_count(len(things), noun) for things, noun in counts)}.")


@command.command(name="schema")
def print_schema() -> None:
    """Print the JSON Schema of the file, for editors."""
    click.echo(json.dumps(schema(), indent=2, default=str))


@command.command()
@FILE
def show(file: Path) -> None:
    """Print what is in force once FILE is read: defaults filled in, secrets masked."""
    text, console = shown(_load(file)), Console()
    if console.is_terminal:
        console.print(Syntax(text, "yaml", background_color="default"))
    else:
        click.echo(text, nl=False)


def _load(file: Path) -> Config:
    try:
        return load(file, environ=environment(), known_checks=EVALUATORS, complete=Knowledge.load().complete)
    except ConfigError as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None


def _count(number: int, noun: str) -> str:
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"
