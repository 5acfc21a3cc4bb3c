"""`farthing evaluate checks`: what the free checks catch, and what they condemn by mistake."""

import asyncio
from pathlib import Path

import click

from evaluators.firing import firings
from router.commands.evaluate.showing import AS_JSON, DATA, print_json, print_table, records_of


@click.command()
@DATA
@AS_JSON
@click.option("--sample", type=click.IntRange(min=100), default=40_000, show_default=True, help="Answers.")
def command(data: Path, sample: int, *, as_json: bool) -> None:
    """Run the free checks on recorded answers, right and wrong ones."""
    found = asyncio.run(firings(records_of(data), sample))
    if as_json:
        print_json(found)
        return
    headings = ("source", "check", "wrong answers", "caught", "right answers", "condemned", "at most")
    rows = [
        (
            one.source,
            one.check,
            f"{one.wrong:,}",
            f"{one.caught:.2%}",
            f"{one.right:,}",
            f"{one.condemned:.2%}",
            f"{one.condemned_at_most:.2%}",
        )
        for one in found
        if one.caught or one.condemned or one.source == "all"
    ]
    print_table("Free checks on recorded answers", headings, rows)
