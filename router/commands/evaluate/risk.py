"""`farthing evaluate risk`: are promises of a failure rate kept on prompts that had no part in them?"""

import asyncio
from pathlib import Path

import click

from evaluators.promises import FAILURES, TARGETS, Promise, promises
from evaluators.records import Records
from evaluators.trials import PAIRS, trial
from router.commands.evaluate.showing import AS_JSON, DATA, print_json, print_table, records_of


@click.command()
@DATA
@AS_JSON
def command(data: Path, *, as_json: bool) -> None:
    """Calibrate thresholds on halves of the train split, 200 times, and look at the validation split.

    Where no threshold can be promised, everything goes to the strong model: that keeps every promise.
    """
    found = asyncio.run(_measured(records_of(data)))
    if as_json:
        print_json(found)
        return
    for failure, meaning in FAILURES.items():
        rows = [_row(one) for one in found if one.failure == failure]
        headings = (
            "ladder",
            "target",
            "examples",
            "held out",
            "kept",
            "refuted",
            "redrawn",
            "threshold",
            "accepted",
            "realised",
        )
        print_table(f"A failure: {meaning} (95 % confidence, 200 resamplings)", headings, rows)
    for target in TARGETS:
        of_target = [one for one in found if one.target == target]
        kept, redrawn = (
            sum(share >= 0.95 for share in shares)
            for shares in ([one.kept for one in of_target], [one.redrawn for one in of_target])
        )
        where = "; ".join(f"{one.name} ({one.failure})" for one in of_target if one.made > 0.5)
        click.echo(
            f"{target:.0%}: within the bound in at least 95 % of the resamplings"
            f" on {kept} of {len(of_target)}"
            f" ({redrawn} with all prompts drawn afresh); a threshold was mostly found: {where or 'nowhere'}"
        )


async def _measured(records: Records) -> list[Promise]:
    found: list[Promise] = []
    for pair in PAIRS:
        if (pair.source, pair.small) in records.answers and (pair.source, pair.large) in records.answers:
            known, held = await trial(pair, records, "train"), await trial(pair, records)
            found += promises(known, held)
    return found


def _row(one: Promise) -> tuple[str, ...]:
    return (
        one.name,
        f"{one.target:.0%}",
        f"{one.examples:,}",
        f"{one.held_out:,}",
        f"{one.kept:.1%}",
        f"{one.refuted:.1%}",
        f"{one.redrawn:.1%}",
        f"{one.made:.1%}",
        "" if one.accepted is None else f"{one.accepted:.1%}",
        "" if one.realised is None else f"{one.realised:.1%}",
    )
