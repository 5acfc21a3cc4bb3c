"""`farthing engine`: the process that keeps one vLLM engine."""

import asyncio
import signal
from pathlib import Path

import click

from batch.engine import Engine, EngineFiles, EngineSpec
from evaluators import EVALUATORS
from router.clock import SystemClock
from router.config import Watcher, environment
from router.engines import engine_specs
from router.errors import ConfigError
from router.parent import watch_parent


@click.command(hidden=True)
@click.option("--config", "path", type=click.Path(path_type=Path), required=True)
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--last-good", type=click.Path(path_type=Path), help="Where a right configuration is kept.")
@click.option("--upstream", required=True, help="Whose engine it is.")
def command(path: Path, data: Path, last_good: Path | None, upstream: str) -> None:
    """Keep one vLLM engine (the server starts these by itself)."""
    watcher = Watcher(path, environ=environment(), known_checks=EVALUATORS, last_good=last_good)
    config = watcher.current
    spec = engine_specs(config, environment()).get(upstream)
    if spec is None:
        raise ConfigError(f"The upstream {upstream!r} has no engine to start.")
    asyncio.run(_keep(spec, data))


async def _keep(spec: EngineSpec, data: Path) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    watch_parent(loop, stop.set)
    files = EngineFiles(data / "engines", spec.name)
    await Engine(spec, files, clock=SystemClock()).keep(stop)
