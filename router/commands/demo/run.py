"""The command: start, ask, compare, show."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import aiohttp
import click
import orjson
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dashboards import reports
from dashboards.render import as_rich
from router.catalog.discovery import local_engines
from router.catalog.providers import Providers
from router.commands.demo.arms import ROUTED, run_arm
from router.commands.demo.books import books_of
from router.commands.demo.figures import compare
from router.commands.demo.prompts import FOLDER, read_prompts
from router.commands.demo.proxy import serving
from router.commands.demo.show import NOTE, Findings, as_json, show
from router.errors import FarthingError

TEMPLATE = Path(__file__).parent / "farthing.demo.yaml"

CURL = """\
curl {address}/v1/chat/completions -H 'Content-Type: application/json' -i \\
  -d '{{"model": "auto", "messages": [{{"role": "user", "content": "What is 15 percent of 240?"}}]}}'"""


class NotInBalance(FarthingError):
    """The ledger of the demo does not add up to what the answers said they cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line said."""

    json: bool
    serve: bool
    port: int
    data: Path | None
    seed: int


@click.command()
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object and nothing else.")
@click.option("--serve", is_flag=True, help="Keep the proxy up afterwards, until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Listen there; 0 takes any free port.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Keep the ledger there.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Another seed, other dice.")
def command(as_object: bool, serve: bool, port: int, data: Path | None, seed: int) -> None:
    """See it work: simulated models, real server, real report.

    Some 200 prompts are routed through a Farthing of its own, then asked of each model alone for comparison.
    Nothing leaves this machine.
    """
    options = Options(json=as_object, serve=serve, port=port, data=data, seed=seed)
    with TemporaryDirectory(prefix="farthing-demo-") as folder:
        try:
            asyncio.run(_demo(options, Path(folder)))
        except asyncio.CancelledError:
            raise click.exceptions.Exit(128 + signal.SIGTERM) from None


async def _demo(options: Options, folder: Path) -> None:
    began, since = time.monotonic(), datetime.now(UTC)
    out = Console(quiet=options.json)
    out.print(f"{NOTE}\n", highlight=False)
    for line in await engines_here():
        out.print(line, highlight=False)
    data = (options.data or folder / "data").resolve()
    config = write_config(folder, data=data, seed=options.seed)
    with _cancelled_by_sigterm():
        async with serving(config, port=options.port) as address:
            found = await _find(address, data, options, began)
            if options.json:
                click.echo(orjson.dumps(as_json(found), option=orjson.OPT_INDENT_2))
            else:
                show(found, out)
                out.print(as_rich(reports.run(data, "overview", since=since)))
            if not found.agrees:
                raise NotInBalance
            if options.serve:
                await _stay(address, data, Console(stderr=options.json))


async def _find(address: str, data: Path, options: Options, began: float) -> Findings:
    """Ask everything in every way, and compare."""
    prompts, run = read_prompts(), f"demo-{uuid4().hex[:12]}"
    names = [ROUTED, *(row["name"] for row in yaml.safe_load(TEMPLATE.read_bytes())["models"])]
    arms = []
    with _progress(quiet=options.json) as progress:
        bars = {name: progress.add_task(f"asking {name}", start=False, total=len(prompts)) for name in names}
        for name in names:
            progress.start_task(bars[name])
            answered = partial(progress.advance, bars[name])
            arms.append(await run_arm(address, prompts, name, run=run, answered=answered))
    booked = sum(answer.booked for arm in arms for answer in arm.answers)
    books = await books_of(data, run, requests=booked, clock=time.monotonic)
    routed, *singles = [arm.with_costs(books.costs) for arm in arms]
    return Findings(
        seed=options.seed,
        seconds=time.monotonic() - began,
        routed=routed,
        singles=tuple(singles),
        books=books,
        comparison=compare(routed, singles, seed=options.seed),
    )


def write_config(folder: Path, *, data: Path, seed: int) -> Path:
    """Fill in the template and write it into `folder`."""
    config = yaml.safe_load(TEMPLATE.read_bytes())
    config["data"] = str(data)
    config["upstreams"]["sim"] |= {"seed": seed, "tasks": str(FOLDER)}
    path = folder / "farthing.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


async def engines_here() -> list[str]:
    """Say which engines answer on this machine, since with them it need not be a demo."""
    async with aiohttp.ClientSession() as session:
        found = await local_engines(session, Providers.load().engines)
    lines = [f"{one.name} answers at {one.base_url}: run `farthing init` to use it." for one in found]
    return [*lines, ""] if lines else []


def _progress(*, quiet: bool) -> Progress:
    """Draw bars on a terminal; elsewhere nobody would see them move."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )


@contextmanager
def _cancelled_by_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind, so that the server is stopped too; Ctrl-C does so by itself."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None, "this runs in a task"
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def _stay(address: str, data: Path, out: Console) -> None:
    """Leave the server up until Ctrl-C, which is no error here."""
    out.print("The proxy stays up until Ctrl-C. Try:\n")
    out.print(CURL.format(address=address), highlight=False, markup=False, soft_wrap=True)
    out.print(f"\nDashboard: {address}/dashboard\nLedger:    {data}", highlight=False, soft_wrap=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    try:
        await stop.wait()
    finally:
        loop.remove_signal_handler(signal.SIGINT)
