"""`farthing evaluate batch`: a routed and checked batch beside batches on single models, at equal quality."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from batch.forecast import INTERVAL, LEARNT
from evaluators.climbing import Interval
from evaluators.equal import Versus, versus
from evaluators.records import Records
from router.commands.evaluate.showing import AS_JSON, DATA, print_json, print_table, records_of, spelled
from router.difficulty import load
from router.replaying import LADDERS, WAYS, Bench, Ladder, Replay, Replayed, bench
from router.types import DOLLAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way on one ladder; `singles` are the rungs' quality in percent and cost per 1,000 lines.

    `estimate` is what `farthing batch estimate` said before, as a share of what it cost then, with the
    interval of 90 % that it gives where answers' lengths are known from own traffic.
    """

    ladder: str
    way: str
    group: str
    lines: int
    climbed: float
    singles: tuple[tuple[str, float, float], ...]
    versus: Versus
    estimate: Interval


@click.command()
@DATA
@AS_JSON
@click.option("--lines", type=click.IntRange(min=20), help="So many lines of each ladder at most  [all]")
@click.option("--split", default="validation", show_default=True, help="Of the prompts.")
def command(data: Path, lines: int | None, split: str, *, as_json: bool) -> None:
    """Replay recorded prompts as batches, through the real policies, checks and pipeline.

    What checks ask is paid for. Every way stands beside the best single model, and beside the random mix
    of single models that costs the least for the same quality. Intervals are 95 %, drawn by groups.
    """
    found = list(_rows(records_of(data), split, lines))
    if as_json:
        print_json(found)
        return
    _show(found)


def _rows(records: Records, split: str, lines: int | None) -> Iterator[Row]:
    for ladder in LADDERS:
        if not _there(ladder, records):
            continue
        on = bench(ladder, records, split=split, most=lines)
        if len(on.prompts) > 1:
            yield from asyncio.run(_ladder(on, records))


def _there(ladder: Ladder, records: Records) -> bool:
    names = (*ladder.rungs, *ladder.peers)
    return all((ladder.source, one) in records.answers and one in records.prices for one in names)


async def _ladder(on: Bench, records: Records) -> list[Row]:
    replay = Replay(on, records, load())
    singles = tuple(
        (name, round(100 * float(on.score[:, at].mean()), 2), round(1000 * float(on.cost[:, at].mean()), 4))
        for at, name in enumerate(on.ladder.rungs)
    )
    rows = []
    for way in WAYS:
        made = await replay.answer(way)
        held = versus(on.score, on.cost, made.score, made.cost, on.group)
        rows.append(
            Row(
                ladder=on.ladder.name,
                way=way.name,
                group=way.name.partition(",")[0],
                lines=len(on.prompts),
                climbed=made.climbed,
                singles=singles,
                versus=held,
                estimate=_estimate(made),
            )
        )
    return rows


def _estimate(made: Replayed) -> Interval:
    draws = made.book.forecast(LEARNT).cost.sum(1) / DOLLAR / made.cost.sum()
    low, middle, high = np.quantile(draws, (INTERVAL[0], 0.5, INTERVAL[1]))
    return Interval(value=float(middle), low=float(low), high=float(high))


def _show(found: Sequence[Row]) -> None:
    for ladder in dict.fromkeys(row.ladder for row in found):
        rows = [row for row in found if row.ladder == ladder]
        singles = "; ".join(f"{name} {score:.1f} % at {cost:.3g}" for name, score, cost in rows[0].singles)
        headings = (
            "batch",
            "climbed",
            "points beside the best",
            "share of its cost",
            "cost at equal quality (mix = 1)",
            "points at equal cost",
            "estimate / cost",
        )
        table = [
            (
                row.way,
                f"{row.climbed:.0%}",
                spelled(row.versus.quality),
                _share(row.versus.cost),
                _share(row.versus.mix),
                spelled(row.versus.gain),
                _share(row.estimate),
            )
            for row in rows
        ]
        print_table(f"{ladder}: {rows[0].lines:,} lines ({singles} USD per 1,000)", headings, table)
    inside = sum(row.estimate.low <= 1 <= row.estimate.high for row in found)
    click.echo(f"the estimate's interval of 90 % held for {inside} of {len(found)} batches")
    for group in dict.fromkeys(row.group for row in found):
        _conclude(group, [row for row in found if row.group == group])


def _share(interval: Interval) -> str:
    return f"{interval.value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def _conclude(name: str, rows: Sequence[Row]) -> None:
    """Say in how many cases it is cheaper at equal quality beyond doubt, and in how many dearer."""
    cheaper = sum(row.versus.mix.high < 1 for row in rows)
    dearer = sum(row.versus.mix.low > 1 for row in rows)
    best = sum(row.versus.cost.high < 1 and row.versus.quality.low > -2 for row in rows)
    click.echo(
        f"{name}: of {len(rows)} batches, {cheaper} cheaper than the mix of equal quality beyond doubt, "
        f"{dearer} dearer; {best} cheaper than the best single model and surely within 2 points of it"
    )
