"""`python -m tests.bench.reports`: what each report takes on ten million rows, in time and memory.

CPU time is the figure to trust on a busy machine: DuckDB shares it between the cores,
so a report that has two cores to itself takes about half of it.
"""

import multiprocessing
import resource
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from dashboards.reports import available, run
from router.ledger.store import Ledger
from tests.bench.ledgers import add_up, make

BAR, OVERVIEW_BAR, MEMORY_BAR = 0.5, 1.5, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Medians of one report: seconds by the clock and of CPU, and the process' most megabytes."""

    name: str
    wall: float
    cpu: float
    memory: float


def measure(data: Path, name: str, rounds: int) -> Measured:
    """Run a report in this process, once to warm up and then `rounds` times."""
    walls, cpus = [], []
    for _ in range(rounds + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        run(data, name)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(
        name=name, wall=statistics.median(walls[1:]), cpu=statistics.median(cpus[1:]), memory=memory
    )


@click.command()
@click.option("--rows", default=10_000_000, show_default=True, type=click.IntRange(1000))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="A ledger that is kept and used again."
)
@click.option("--sums/--rows-only", default=True, help="Whether the rows are added up first.")
def main(rows: int, rounds: int, data: Path | None, sums: bool) -> None:
    """Measure every built-in report, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="farthing-bench-") as folder:
        place = data or Path(folder)
        if not Ledger(place).database.exists():
            began = time.perf_counter()
            count = make(place, rows)
            click.echo(f"{count:,} rows in {time.perf_counter() - began:.0f} s")
        if sums:
            wall, cpu = time.perf_counter(), time.process_time()
            longest = add_up(place)
            click.echo(
                f"added up in {time.perf_counter() - wall:.1f} s ({time.process_time() - cpu:.1f} s of CPU), "
                f"with readers kept out for {longest:.2f} s at most"
            )
        table = Table("report", "median s", "CPU s", "MB", "bar")
        context = multiprocessing.get_context("spawn")
        for report in available():
            with context.Pool(1) as pool:
                told = pool.apply(measure, (place, report.name, rounds))
            bar = OVERVIEW_BAR if report.name == "overview" else BAR
            met = told.wall < bar and told.memory < MEMORY_BAR
            table.add_row(
                told.name,
                f"{told.wall:.2f}",
                f"{told.cpu:.2f}",
                f"{told.memory:.0f}",
                "met" if met else "NOT MET",
            )
        Console().print(table)


if __name__ == "__main__":
    main()
