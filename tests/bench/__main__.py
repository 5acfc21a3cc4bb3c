"""`python -m tests.bench`: Farthing beside nginx and litellm's proxy, in one run on this machine."""

import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import click
import orjson
from rich.console import Console

from tests.bench import load, machine, report
from tests.bench.processes import free_cores, share
from tests.bench.rounds import Plan, Running, Upstream, measured, started
from tests.bench.systems import SYSTEMS
from tests.bench.works import Missing, Place, Sample, Work

CACHE = Path.home() / ".cache" / "farthing-bench"


def _listed(kind: type[Any], allowed: Sequence[Any]) -> Any:
    """Make an option's callback that reads a list with commas."""

    def read(_context: click.Context, _option: click.Parameter, text: str) -> list[Any]:
        try:
            values = [kind(part) for part in text.split(",")]
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        wrong = [value for value in values if allowed and value not in allowed]
        if wrong:
            raise click.BadParameter(f"{wrong[0]} is none of {', '.join(map(str, allowed))}")
        return values

    return read


@click.command()
@click.option("--quick", is_flag=True, help="One short round, in about a minute: to see whether it works.")
@click.option(
    "--systems", default=",".join(SYSTEMS), callback=_listed(str, list(SYSTEMS)), help="Which, in order."
)
@click.option(
    "--work", "works", default="json,burst", callback=_listed(Work, list(Work)), help="json, burst, paced."
)
@click.option("--connections", default="1,16,64", callback=_listed(int, ()), help="Of the closed loop.")
@click.option("--rounds", default=3, type=click.IntRange(1), help="Each system has its turn in each.")
@click.option(
    "--seconds", default=3, type=click.IntRange(1), help="Of load, for every figure of every round."
)
@click.option("--nice", default=0, help="Niceness of everything: below 0, as root, on a busy machine.")
@click.option(
    "--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures there."
)
@click.option(
    "--cache", default=CACHE, type=click.Path(path_type=Path), help="Where litellm is installed, once."
)
def main(  # noqa: PLR0917 - click hands over its options by name
    quick: bool,
    systems: list[str],
    works: list[Work],
    connections: list[int],
    rounds: int,
    seconds: int,
    nice: int,
    path: Path | None,
    cache: Path,
) -> None:
    """Measure what a request costs in Farthing, in nginx and in litellm's proxy, side by side.

    CPU time a request is the figure to trust: rates and times also measure whatever else the machine does.
    """
    # Whoever sends a signal wants everything to stop, and only an exception does that in order.
    signal.signal(signal.SIGINT, _interrupted)
    signal.signal(signal.SIGTERM, _interrupted)
    signal.signal(signal.SIGHUP, _interrupted)
    os.nice(nice)
    share(os.getpid())
    load_core, proxy_core = free_cores()
    plan = Plan(
        works=works,
        connections=connections,
        rounds=1 if quick else rounds,
        seconds=1 if quick else seconds,
        warm=1 if quick else 2,
        load_core=load_core,
        proxy_core=proxy_core,
    )
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        about, samples = _run(plan, systems, cache, console)
    except Missing as missing:
        console.print(f"skipped: everything: {missing}", markup=False)
        return
    table = report.rows(samples)
    met = report.bars(table)
    report.show(console, table, met)
    if path:
        path.write_bytes(orjson.dumps(report.as_json(about, samples, table, met), option=orjson.OPT_INDENT_2))
    if any(bar.must and not bar.met for bar in met):
        sys.exit(1)


def _run(
    plan: Plan, names: Sequence[str], cache: Path, console: Console
) -> tuple[Mapping[str, Any], list[Sample]]:
    about: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"python -m tests.bench {' '.join(sys.argv[1:])}".strip(),
        **machine.described(),
        "wrk": load.version(),
    }

    def tell(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    with tempfile.TemporaryDirectory(prefix="farthing-bench-") as folder, ExitStack() as stack:
        root = Path(folder)
        upstream = Upstream(root, stack, core=plan.load_core)
        urls = {work: upstream.urls[work] for work in Work}
        place = Place(folder=root, core=plan.proxy_core, upstream=urls, cache=cache)
        wanted = {name: SYSTEMS[name] for name in names}
        running = list(started(wanted, place, stack, tell))
        about |= _versions(running, upstream)
        for name, value in about.items():
            tell(f"{name}: {value}")
        samples = list(measured(plan, running, upstream, root, tell))
    return about, samples


def _versions(running: Sequence[Running], upstream: Upstream) -> dict[str, Any]:
    commands = {each.system.name: each.process.command for each in running if each.process}
    return {
        "upstream": upstream.kind,
        "versions": {each.system.name: each.system.version for each in running},
        "commands": commands,
    }


def _interrupted(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


if __name__ == "__main__":
    main()
