"""Who spent how much CPU: the engine, Farthing's processes, this one."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import share
from tests.support.vllm_engine import RealEngine

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of CPU time since each began; a quotient by a count is shown in milliseconds."""

    engine: float
    farthing: float
    here: float

    def __sub__(self, other: "Spent") -> "Spent":
        return Spent(self.engine - other.engine, self.farthing - other.farthing, self.here - other.here)

    def __truediv__(self, count: float) -> "Spent":
        return Spent(self.engine / count, self.farthing / count, self.here / count)

    def __str__(self) -> str:
        shares = {"engine": self.engine, "Farthing": self.farthing, "client": self.here}
        return ", ".join(f"{name} {seconds * 1000:.2f}" for name, seconds in shares.items())


def shared(engine: RealEngine) -> None:
    """Give the engine and all of Farthing our own niceness, in whatever session they are."""
    share(os.getpid())
    parents = {engine.server.process.pid}
    for process, parent, _, _ in sorted(_stats()):
        if process in parents or parent in parents:
            parents.add(process)
            share(process)


def spent(engine: RealEngine) -> Spent:
    """Read what has been spent until now; children that have ended count for their parent."""
    theirs = ours = 0.0
    session, parents = engine.process, {engine.server.process.pid}
    stats = sorted(_stats())
    for process, parent, leader, seconds in stats:
        if leader == session:
            theirs += seconds
        elif process in parents or parent in parents:
            parents.add(process)
            ours += seconds
    return Spent(theirs, ours, time.process_time())


def _stats() -> list[tuple[int, int, int, float]]:
    """Process, parent, session and CPU seconds of everything; a child's number is above its parent's."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found.append(
            (int(file.parent.name), int(fields[1]), int(fields[3]), sum(map(int, fields[11:15])) / TICKS)
        )
    return found
