"""Who spent how much CPU: the engine, Farthing's processes, this one."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import share
from tests.support.vllm_engine import RealEngine

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of CPU time since each began; a quotient by a count is shown in milliseconds.

    `farthing` has a part for each kind of its processes; `others` is what everybody else on the machine took.
    """

    engine: float
    farthing: Mapping[str, float]
    here: float
    others: float

    def __sub__(self, other: "Spent") -> "Spent":
        # One that ended meanwhile may have spent more before than all that are left.
        parts = {name: max(0.0, left - other.farthing.get(name, 0.0)) for name, left in self.farthing.items()}
        return Spent(
            self.engine - other.engine, parts, self.here - other.here, max(0.0, self.others - other.others)
        )

    def __truediv__(self, count: float) -> "Spent":
        parts = {name: seconds / count for name, seconds in self.farthing.items()}
        return Spent(self.engine / count, parts, self.here / count, self.others / count)

    def __str__(self) -> str:
        shares = {"engine": self.engine, "Farthing": sum(self.farthing.values())}
        shares |= {"client": self.here, "others": self.others}
        parts = ", ".join(
            f"{name} {seconds * 1000:.2f}" for name, seconds in self.farthing.items() if seconds >= 0.00005
        )
        whole = ", ".join(f"{name} {seconds * 1000:.2f}" for name, seconds in shares.items())
        return f"{whole}   ({parts})"


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
    theirs, ours = 0.0, dict[str, float]()
    group, parents = engine.process, {engine.server.process.pid}
    for process, parent, leader, seconds in sorted(_stats()):
        if leader == group:
            theirs += seconds
        elif process in parents or parent in parents:
            parents.add(process)
            name = _role(process)
            ours[name] = ours.get(name, 0.0) + seconds
    here = time.process_time()
    return Spent(theirs, ours, here, _busy() - theirs - sum(ours.values()) - here)


def _role(process: int) -> str:
    """The word after `farthing` or `-m router`."""
    with suppress(OSError, StopIteration):
        words = iter(Path(f"/proc/{process}/cmdline").read_bytes().decode().replace("\0", " ").split())
        return next(next(words) for word in words if word.endswith(("farthing", "router")))
    return "other"


def _busy() -> float:
    """CPU seconds that the whole machine has worked."""
    user, nice, system = Path("/proc/stat").read_text().split()[1:4]
    return (int(user) + int(nice) + int(system)) / TICKS


def _stats() -> list[tuple[int, int, int, float]]:
    """Process, parent, group and CPU seconds of everything; a child's number is above its parent's."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found.append(
            (int(file.parent.name), int(fields[1]), int(fields[2]), sum(map(int, fields[11:15])) / TICKS)
        )
    return found
