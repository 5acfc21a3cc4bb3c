"""`farthing batch ray FILE`: one huge file by Ray Data, in blocks, asked of a running server."""

import importlib.util
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
import orjson

from batch.jobs import ENDPOINTS
from batch.ray.blocks import Block, Book, Done, Order, split
from router.commands.batch.client import DEFAULT
from router.config import environment
from router.errors import FarthingError

MIB = 1 << 20


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="A folder.")
@click.option(
    "--endpoint", type=click.Choice(list(ENDPOINTS)), default=next(iter(ENDPOINTS)), show_default=True
)
@click.option("--workers", type=click.IntRange(1, 1024), default=1, show_default=True, help="Ray actors.")
@click.option(
    "--at-once",
    type=click.IntRange(1, 4096),
    default=64,
    show_default=True,
    help="Calls under way in each worker.",
)
@click.option(
    "--block-mb", type=click.IntRange(1, 1024), default=8, show_default=True, help="What a worker takes."
)
@click.option("--again", is_flag=True, help="Ask once more for lines that failed.")
@click.option("--ray", "address", help="A cluster that runs, such as auto or ray://head:10001.")
@click.option("--url", default=DEFAULT, show_default=True, help="Where the server answers.")
@click.option("--key", help="What to call with; left out, the variable FARTHING_API_KEY.")
def command(  # noqa: PLR0913, PLR0917 - options, which click gives by name
    file: Path,
    out: Path,
    endpoint: str,
    workers: int,
    at_once: int,
    block_mb: int,
    again: bool,
    address: str | None,
    url: str,
    key: str | None,
) -> None:
    """Work through FILE (JSONL, as for batches, of any size) by Ray Data, without uploading it.

    What became of its lines is written to a folder, a file a block, in the order of FILE;
    a second run goes on where the first one ended.
    """
    if importlib.util.find_spec("ray") is None:
        raise FarthingError("This needs Ray: `pip install 'farthing[ray]'`.")
    out.mkdir(parents=True, exist_ok=True)
    blocks = split(file.stat().st_size, _length(out, block_mb * MIB))
    order = Order(
        file=file.resolve(),
        folder=out.resolve(),
        url=url.rstrip("/"),
        endpoint=endpoint,
        at_once=at_once,
        run=f"ray-{out.name}"[:256],
        key=key or environment().get("FARTHING_API_KEY"),
        again=again,
    )
    done, left = _known(order, blocks)
    more = Done()
    for more in _run(order, left, workers, address) if left else ():
        click.echo(f"farthing: {_said(done + more)}", err=True)
    done += more
    click.echo(_said(done))
    if done.failed:
        click.echo(f"farthing: what failed is in {out}/*.errors.jsonl; --again asks once more", err=True)


def _length(out: Path, length: int) -> int:
    """Give the length of blocks, which stays what it was in the run before."""
    kept = out / "blocks"
    if kept.exists():
        return int(kept.read_text())
    kept.write_text(str(length))
    return length


def _known(order: Order, blocks: list[Block]) -> tuple[Done, list[Block]]:
    """Say what is done, and which blocks are left."""
    done, left = Done(), []
    for block in blocks:
        book = Book(order.folder, block)
        if book.whole and not (order.again and book.failed):
            done += book.count()
        else:
            left.append(block)
    return done, left


def _run(order: Order, blocks: list[Block], workers: int, address: str | None) -> Iterator[Done]:
    """Have the blocks worked through in a process of its own; yield how far it is."""
    told = {
        "order": {**asdict(order), "file": str(order.file), "folder": str(order.folder)},
        "blocks": [asdict(block) for block in blocks],
        "workers": workers,
        "address": address,
    }
    with _started(orjson.dumps(told), _variables(address)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"{"):
                yield Done(**orjson.loads(line))
        if process.wait():
            raise FarthingError("Ray ended before the file did, as it says above; what is done is kept.")


@contextmanager
def _started(told: bytes, variables: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "batch.ray"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**environment(), **variables},
    )
    with process:
        try:
            assert process.stdin is not None
            process.stdin.write(told + b"\n")
            process.stdin.flush()  # and stays open: when it closes, we are gone
            yield process
        finally:
            process.terminate()


def _variables(address: str | None) -> Mapping[str, str]:
    """Tell Ray to tell nobody, and to let nobody in: it listens on every interface, whatever it is told."""
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_DISABLE_PROGRESS_BARS": "1"}
    if address is not None:
        return quiet
    return {**quiet, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def _said(done: Done) -> str:
    return f"{done.lines} lines, {done.before} of them done before, {done.failed} failed"
