"""What came of it: medians over the rounds, a table for people, JSON for machines, and the bars."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.works import Sample, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One system at one work and number of connections: medians, and the best round's rate.

    `per_core` is requests per second of one core, from CPU time: what a shared machine can still tell.
    """

    system: str
    work: Work
    connections: int
    rps: float
    best_rps: float
    p50_ms: float
    p99_ms: float
    cpu_us: float | None
    per_core: float | None
    memory_mb: float | None
    requests: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Something Farthing should reach; `must` tells the bars from the aims."""

    what: str
    wanted: str
    measured: str
    met: bool
    must: bool = False


def rows(samples: Iterable[Sample]) -> list[Row]:
    """Gather the rounds, in the order the systems were measured."""
    cells: dict[tuple[Work, int, str], list[Sample]] = {}
    for sample in samples:
        cells.setdefault((sample.work, sample.connections, sample.system), []).append(sample)
    return [_row(cell) for cell in cells.values()]


def _row(cell: Sequence[Sample]) -> Row:
    cpu = [sample.cpu_us for sample in cell if sample.cpu_us is not None]
    memory = [sample.memory_mb for sample in cell if sample.memory_mb is not None]
    cpu_us = statistics.median(cpu) if cpu else None
    return Row(
        system=cell[0].system,
        work=cell[0].work,
        connections=cell[0].connections,
        rps=statistics.median(sample.rps for sample in cell),
        best_rps=max(sample.rps for sample in cell),
        p50_ms=statistics.median(sample.p50_ms for sample in cell),
        p99_ms=statistics.median(sample.p99_ms for sample in cell),
        cpu_us=cpu_us,
        per_core=1e6 / cpu_us if cpu_us else None,
        memory_mb=max(memory) if memory else None,
        requests=sum(sample.requests for sample in cell),
        errors=sum(sample.errors for sample in cell),
    )


def bars(table: Sequence[Row]) -> list[Bar]:
    """Compare Farthing with its peers, in the same run; the worst number of connections decides."""
    found = [
        _cheaper(table, Work.JSON, "litellm", 5, must=True),
        _cheaper(table, Work.JSON, "litellm", 25),
        _cheaper(table, Work.BURST, "litellm", 80),
        _dearer(table, Work.JSON, "nginx", 18),
        _dearer(table, Work.BURST, "nginx", 10),
        _dearer(table, Work.PACED, "nginx", 3),
        _latency(table),
        _memory(table),
        _clean(table),
    ]
    return [bar for bar in found if bar is not None]


def _cpu(table: Sequence[Row], work: Work, system: str) -> dict[int, float]:
    return {
        row.connections: row.cpu_us
        for row in table
        if row.work is work and row.system == system and row.cpu_us is not None
    }


def _cheaper(table: Sequence[Row], work: Work, peer: str, times: int, *, must: bool = False) -> Bar | None:
    ours, theirs = _cpu(table, work, "farthing"), _cpu(table, work, peer)
    ratios = [theirs[c] / ours[c] for c in ours.keys() & theirs.keys()]
    if not ratios:
        return None
    what = f"{work}: requests a second of a core, against {peer}"
    return Bar(
        what=what,
        wanted=f"at least {times} x",
        measured=f"{min(ratios):.1f} x",
        met=min(ratios) >= times,
        must=must,
    )


def _dearer(table: Sequence[Row], work: Work, peer: str, times: int) -> Bar | None:
    """Against nginx the highest number of connections counts: with few, nginx mostly waits and wakes."""
    ours, theirs = _cpu(table, work, "farthing"), _cpu(table, work, peer)
    both = ours.keys() & theirs.keys()
    if not both:
        return None
    most = max(both)
    ratio = ours[most] / theirs[most]
    what = f"{work}: CPU a request at {most} connections, against {peer}"
    return Bar(what=what, wanted=f"at most {times} x", measured=f"{ratio:.1f} x", met=ratio <= times)


def _latency(table: Sequence[Row]) -> Bar | None:
    p50 = {row.system: row.p50_ms for row in table if row.work is Work.JSON and row.connections == 1}
    if not {"farthing", "direct"} <= p50.keys():
        return None
    added = p50["farthing"] - p50["direct"]
    what = "json: added to the median time of one connection"
    return Bar(what=what, wanted="at most 0.6 ms", measured=f"{added:.2f} ms", met=added <= 0.6)


def _memory(table: Sequence[Row]) -> Bar | None:
    used = [row.memory_mb for row in table if row.system == "farthing" and row.memory_mb is not None]
    if not used:
        return None
    what = "memory of all its processes"
    return Bar(what=what, wanted="under 300 MB", measured=f"{max(used):.0f} MB", met=max(used) < 300)


def _clean(table: Sequence[Row]) -> Bar | None:
    ours = [row for row in table if row.system == "farthing"]
    if not ours:
        return None
    errors = sum(row.errors for row in ours)
    return Bar(what="answers that failed", wanted="0", measured=str(errors), met=not errors, must=True)


def show(console: Console, table: Sequence[Row], met: Sequence[Bar]) -> None:
    """Print both tables."""
    for work in Work:
        some = [row for row in table if row.work is work]
        if some:
            console.print(_table(work, some))
    if met:
        console.print(_bars(met))


def _table(work: Work, some: Sequence[Row]) -> Table:
    columns = (
        "conn",
        "system",
        "CPU us/req",
        "req/s a core",
        "req/s",
        "best",
        "p50 ms",
        "p99 ms",
        "MB",
        "errors",
    )
    shown = Table(title=f"{work}: medians of the rounds", title_justify="left")
    for column in columns:
        shown.add_column(column, justify="left" if column == "system" else "right", no_wrap=True)
    last = some[0].connections
    for row in some:
        if row.connections != last:
            shown.add_section()
            last = row.connections
        shown.add_row(
            str(row.connections),
            row.system,
            _number(row.cpu_us),
            _number(row.per_core),
            _number(row.rps),
            _number(row.best_rps),
            f"{row.p50_ms:.2f}",
            f"{row.p99_ms:.1f}",
            _number(row.memory_mb),
            str(row.errors),
        )
    return shown


def _bars(met: Sequence[Bar]) -> Table:
    shown = Table(title="Farthing against its bars and aims", title_justify="left")
    for column in ("", "what", "wanted", "measured"):
        shown.add_column(column)
    for bar in met:
        verdict = ("met" if bar.met else "MISSED") + ("" if bar.must else " (aim)")
        shown.add_row(verdict, bar.what, bar.wanted, bar.measured)
    return shown


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def as_json(
    about: Mapping[str, Any], samples: Sequence[Sample], table: Sequence[Row], met: Sequence[Bar]
) -> dict[str, Any]:
    """Everything, each round's samples included."""
    return {
        "about": about,
        "rows": [asdict(row) for row in table],
        "bars": [asdict(bar) for bar in met],
        "samples": [asdict(sample) for sample in samples],
    }
