"""The command line.

Each command is a file of its own and is imported when it is called:
`farthing report` needs no server, and `farthing serve` no progress bars.
"""

import importlib
import logging
import sys
from collections.abc import Mapping
from types import MappingProxyType

import click

from router.errors import FarthingError

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "demo": "See it work: simulated models, real server, real report.",
        "init": "Find local engines and provider keys, and write farthing.yaml.",
        "serve": "Serve.",
        "explain": "Say what would be tried for a request, and why; spends nothing.",
        "report": "What it cost, and what was saved.",
        "config": "Check or show the configuration, or print its schema.",
        "drain": "Move the spool into the ledger (the server does this by itself).",
        "page": "Write the dashboard's page (the server asks for it).",
        "worker": "Serve on an inherited socket (the server starts these by itself).",
    }
)


class LazyGroup(click.Group):
    """A group whose commands are modules of `router.commands`, imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"router.commands.{cmd_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup)
@click.version_option(package_name="farthing", prog_name="farthing")
def cli() -> None:
    """Give every LLM request the cheapest open-weight model that is good enough."""
    logging.basicConfig(level=logging.INFO, format="farthing: %(levelname)s %(message)s", stream=sys.stderr)


def main() -> None:
    """Run the command line; an error of ours is a sentence, not a traceback."""
    try:
        cli()
    except FarthingError as error:
        click.echo(f"farthing: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
