"""`farthing init`: look around, ask, write farthing.yaml."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from router.catalog.knowledge import Knowledge
from router.catalog.providers import Provider
from router.commands.discovered import write_config
from router.commands.discovering import Hosted, Local, discover, usable
from router.config import environment

_NOTHING = """\
Nothing to route to was found. Any one of these will do:

  - a local engine:   install Ollama (https://ollama.com), then `ollama pull qwen3:8b`
  - a hosted one:     set the key of a provider, such as {keys}
  - another machine:  farthing init --engine http://its-address:8000/v1
  - none at all:      `farthing demo` shows everything with simulated models
"""


@click.command
@click.option("--yes", is_flag=True, help="Ask nothing: take all that is found.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("farthing.yaml"),
    show_default=True,
    help="Where to write.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option(
    "--engine", "engines", multiple=True, metavar="URL", help="Ask this address too (up to its /v1)."
)
@click.pass_obj
def command(
    knowledge: Knowledge | None, yes: bool, output: Path, force: bool, engines: Sequence[str]
) -> None:
    """Look for engines on this machine and for providers' keys, and write farthing.yaml.

    Keys are never written, only the names of the variables they are in.
    Providers whose key is set are asked for their list of models; nothing else leaves this machine.
    """
    if output.exists() and not force:
        raise click.ClickException(f"{output} is there already; --force writes over it.")
    console = Console()
    knowledge = knowledge or Knowledge.load()
    today = datetime.now(UTC).date()
    rows = [*knowledge.providers.engines, *(_given(url) for url in engines)]
    local, hosted = asyncio.run(discover(environment(), knowledge, today=today, engines=rows))
    _show(console, local, hosted)
    _miss(engines, local)
    free = False
    if not yes:
        local = [one for one in local if not one.found.models or _confirmed_engine(one)]
        hosted = [one for one in hosted if not one.steps or _confirmed_provider(one)]
        free = any(one.found.models for one in local) and _free()
    if not usable(local, hosted):
        keys = [row.key for row in knowledge.providers.hosted[:3] if row.key is not None]
        click.echo(_NOTHING.format(keys=", ".join(keys)), err=True)
        raise click.exceptions.Exit(1)
    _write(output, write_config(local, hosted, today=today, free=free), force=force)
    console.print(f"\nWrote [bold]{escape(str(output))}[/bold]. Next: [bold]farthing serve[/bold]")


def _given(url: str) -> Provider:
    return Provider(id="local", name=url, base_url=url.rstrip("/"), local=True)


def _miss(engines: Sequence[str], local: Sequence[Local]) -> None:
    answered = {one.found.base_url for one in local}
    for url in engines:
        if url.rstrip("/") not in answered:
            click.echo(f"No list of models came from {url}.", err=True)


def _confirmed_engine(local: Local) -> bool:
    models = local.found.models
    return click.confirm(f"Use {local.found.name} with {len(models)} model(s)?", default=True)


def _confirmed_provider(hosted: Hosted) -> bool:
    names = ", ".join(step.facts.id for step in hosted.steps)
    return click.confirm(f"Use {hosted.provider.name} with {names}?", default=True)


def _free() -> bool:
    click.echo("\nWhat shall answers of your own machine be booked at?")
    click.echo(
        "  rent: what others ask for the same model, so that small models count as cheaper than large ones"
    )
    click.echo("  zero: nothing")
    choice: str = click.prompt("Book them at", type=click.Choice(["rent", "zero"]), default="rent")
    return choice == "zero"


def _show(console: Console, local: Sequence[Local], hosted: Sequence[Hosted]) -> None:
    if not local and not hosted:
        return
    table = Table("found", "where", "models", box=None, pad_edge=False)
    for one in local:
        names = ", ".join(model.upstream_name for model in one.found.models) or "none yet"
        table.add_row(escape(one.found.name), escape(one.found.base_url), escape(names))
    for other in hosted:
        names = ", ".join(step.upstream_name for step in other.steps) or (other.note or "none known here")
        table.add_row(other.provider.name, str(other.provider.key), escape(names))
    console.print(table)


def _write(output: Path, text: str, *, force: bool) -> None:
    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{output} is there already; --force writes over it.") from None
    except OSError as error:
        raise click.ClickException(f"Cannot write {output}: {error.strerror}.") from None
