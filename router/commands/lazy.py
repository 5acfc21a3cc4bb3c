"""A group of commands that are modules of their own, imported when they are named."""

import importlib
import sys
from collections.abc import Mapping, Sequence

import click

from router.errors import FarthingError


class LazyGroup(click.Group):
    """Commands are modules of `package`; `table` says for each, in order, what it does."""

    def __init__(self, *args: object, package: str, table: Mapping[str, str], **settings: object) -> None:
        super().__init__(*args, **settings)  # type: ignore[arg-type]  # click's own settings, handed through
        self._package, self._table = package, table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in self._table:
            return None
        command = importlib.import_module(f"{self._package}.{cmd_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._table.items()))


def run(group: click.Command, words: Sequence[str] | None = None) -> None:
    """Run a command line (default: this process's own); an error of ours is a sentence, not a traceback."""
    try:
        group.main(words, prog_name="farthing")
    except FarthingError as error:
        click.echo(f"farthing: {error}", err=True)
        sys.exit(2)
