"""The measuring: all systems are up at once and take turns, so that noise falls on all alike."""

import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.bench import load
from tests.bench.nginx import StaticNginx
from tests.bench.processes import PYTHON, Process
from tests.bench.static import body
from tests.bench.systems import System
from tests.bench.works import Missing, Place, Sample, Work

QUIET = 0.1
"""Share of a core below which a system is done with what it was asked."""

PATIENCE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured. With two cores, load and upstream have one, the system under test the other."""

    works: Sequence[Work]
    connections: Sequence[int]
    rounds: int
    seconds: float
    warm: float
    load_core: int | None
    proxy_core: int | None


class Upstream:
    """The static upstream: nginx for JSON where there is one, and a small server for the rest."""

    def __init__(self, folder: Path, stack: ExitStack, *, core: int | None) -> None:
        command = [PYTHON, "-m", "tests.bench.static"]
        streams = Process(command, log=folder / "static.log", core=core)
        stack.callback(streams.stop)
        self._base = streams.said(r"static: listening on (http://\S+)", within=20)
        self.kind = "python"
        self.urls = {work: f"{self._base}/{work}/v1" for work in Work}
        self._nginx: StaticNginx | None = None
        try:
            self._nginx = StaticNginx(folder / "upstream", body(), core=core)
        except Missing:
            return
        stack.callback(self._nginx.process.stop)
        self.kind = "nginx"
        self.urls[Work.JSON] = f"{self._nginx.base}/v1"

    def calls(self) -> int:
        """How many calls it has answered."""
        with urllib.request.urlopen(f"{self._base}/count") as answer:
            calls = int(answer.read())
        return calls + (self._nginx.calls() if self._nginx else 0)


class Running:
    """A system that is up."""

    def __init__(self, system: System, process: Process | None) -> None:
        self.system, self.process = system, process

    def cpu(self) -> float:
        return self.process.cpu() if self.process else 0.0

    def log(self) -> str:
        """Return its last words."""
        return self.process.log[-1500:] if self.process else ""

    def settle(self) -> None:
        """Wait until it has done all it was asked: writing down, and answers nobody waits for."""
        end = time.monotonic() + PATIENCE
        busy = True
        while self.process and busy and time.monotonic() < end:
            before = self.cpu()
            time.sleep(0.3)
            busy = self.cpu() - before > 0.3 * QUIET


def started(
    systems: Mapping[str, Callable[[], System]],
    place: Place,
    stack: ExitStack,
    tell: Callable[[str], None],
) -> Iterator[Running]:
    """Start each; one that is missing is told of and left out."""
    for name, make in systems.items():
        try:
            system = make()
            own = Place(
                folder=place.folder / name, core=place.core, upstream=place.upstream, cache=place.cache
            )
            process = system.start(own)
        except Missing as missing:
            tell(f"skipped: {name}: {missing}")
            continue
        if process is not None:
            stack.callback(process.stop)
        yield Running(system, process)


def measured(
    plan: Plan, running: Sequence[Running], upstream: Upstream, folder: Path, tell: Callable[[str], None]
) -> Iterator[Sample]:
    """Warm every system, then measure it in every round, at every work and number of connections."""
    for work in plan.works:
        for each in running:
            seen = _load(plan, each.system, work, 16, plan.warm, folder)
            if seen.errors or not seen.requests:
                tell(f"{each.system.name}: {work}: {seen.errors} of {seen.requests} failed\n{each.log()}")
    for number in range(1, plan.rounds + 1):
        for work in plan.works:
            for connections in plan.connections:
                tell(f"round {number} of {plan.rounds}: {work}, {connections} connections")
                for each in running:
                    yield _sample(plan, each, upstream, work, connections, folder)


def _sample(
    plan: Plan, each: Running, upstream: Upstream, work: Work, connections: int, folder: Path
) -> Sample:
    each.settle()
    calls, cpu = upstream.calls(), each.cpu()
    seen = _load(plan, each.system, work, connections, plan.seconds, folder)
    each.settle()
    # The upstream's count, not wrk's: it has the calls that were under way when wrk stopped.
    calls, cpu = upstream.calls() - calls, each.cpu() - cpu
    return Sample(
        system=each.system.name,
        work=work,
        connections=connections,
        requests=seen.requests,
        calls=calls,
        errors=seen.errors,
        rps=seen.requests / seen.seconds,
        p50_ms=seen.p50_ms,
        p99_ms=seen.p99_ms,
        cpu_us=cpu / calls * 1e6 if each.process and calls else None,
        memory_mb=each.process.memory() if each.process else None,
    )


def _load(
    plan: Plan, system: System, work: Work, connections: int, seconds: float, folder: Path
) -> load.Load:
    return load.run(
        system.target(work),
        work,
        connections=connections,
        seconds=seconds * system.slow,
        folder=folder,
        core=plan.load_core,
    )
