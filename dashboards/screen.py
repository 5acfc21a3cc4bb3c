"""The overview as one screen of a terminal: what it cost, what it saved, who did the work."""

from collections.abc import Mapping

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table as RichTable
from rich.text import Text

from dashboards.render import key, usd, visible
from dashboards.tables import Cell, Table
from router.types import DOLLAR

BLOCKS = " ▁▂▃▄▅▆▇█"
BAR = 24
DAYS = 60


def overview(card: Table, models: Table, trend: Table) -> RenderableType:
    """Put the three reports together."""
    told = _record(card)
    tiles = Columns([*_tiles(told)], equal=True, expand=False, padding=(0, 1))
    parts: list[RenderableType] = [Padding(tiles, (1, 0, 0, 0)), Padding(_models(models), (1, 0, 0, 1))]
    spent = [row["spend_usd"] for row in _records(trend)]
    if len(spent) > 1:
        parts.append(Padding(Text(f"spent over time  {_line(spent[-DAYS:])}", style="cyan"), (1, 0, 0, 2)))
    parts += [Padding(Text(note, style="dim"), (0, 0, 0, 2)) for note in _notes(told)]
    return Group(*parts)


def _tiles(told: Mapping[str, Cell]) -> list[Panel]:
    overhead = sum(_money(told, f"spend_on_{what}_usd") for what in ("rejected", "checks", "audits"))
    return [
        _tile("spent", _usd(told["spend_usd"]), f"{_short(overhead)} on rejected answers, checks, audits"),
        _tile("saved, net", _share(told["saving_share"]), _interval(told, "saving", "computed"), good=True),
        _tile(
            "saved on a random mix",
            _share(told["saving_on_random_mix_share"]),
            _interval(told, "saving_on_random_mix", "same predicted quality"),
            good=True,
        ),
        _tile(
            "requests",
            f"{told['requests']:,}",
            f"{_share(told['escalated_share'])} escalated, {_share(told['failed_share'])} failed",
        ),
        _tile(
            "first token, whole answer",
            f"{_time(told['first_token_p50_ms'])}, {_time(told['latency_p50_ms'])}",
            f"slowest 5 in 100: {_time(told['first_token_p95_ms'])}, {_time(told['latency_p95_ms'])}",
        ),
    ]


def _tile(name: str, value: str, note: str, *, good: bool = False) -> Panel:
    text = Text.assemble((value, "bold green" if good else "bold"), "\n", (note, "dim"))
    return Panel(text, title=name, title_align="left", border_style="dim", padding=(0, 1))


def _models(table: Table) -> RichTable:
    rows = _records(table)
    most = max((int(row["attempts"] or 0) for row in rows), default=0)
    shown = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("model", "attempts", "", "accepted", "spent", "half of them within"):
        shown.add_column(name, justify="left" if name in {"model", ""} else "right", no_wrap=True)
    for row in rows[:10]:
        attempts = int(row["attempts"] or 0)
        shown.add_row(
            Text(visible(str(row["model"]))[:40]),
            f"{attempts:,}",
            Text("█" * max(1, round(BAR * attempts / most)) if attempts else "", style="cyan"),
            _share(row["accepted_share"]),
            _usd(row["spend_usd"]),
            _time(row["duration_p50_ms"]),
        )
    return shown


def _notes(told: Mapping[str, Cell]) -> list[str]:
    notes = []
    if told["strongest_model"] is not None:
        strongest = visible(str(told["strongest_model"]))
        notes.append(f"Saved: what {strongest} alone would have cost, less all that was spent.")
    if told["estimated_share"]:
        most = _usd(told["spend_at_most_usd"])
        notes.append(f"{_share(told['estimated_share'])} of the calls had to be estimated; {most} at most.")
    if told["unpriced_attempts"]:
        notes.append(f"{told['unpriced_attempts']:,} calls have no known price and are in no sum.")
    if told["simulated_share"]:
        notes.append(f"{_share(told['simulated_share'])} of the calls went to simulated models.")
    return notes


def _interval(told: Mapping[str, Cell], name: str, how: str) -> str:
    low, high = told[f"{name}_low_share"], told[f"{name}_high_share"]
    return f"{how}; {_share(low)} to {_share(high)}" if low is not None else how


def _records(table: Table) -> list[Mapping[str, Cell]]:
    keys = [key(column) for column in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


def _record(table: Table) -> Mapping[str, Cell]:
    return _records(table)[0]


def _money(told: Mapping[str, Cell], name: str) -> int:
    value = told[name]
    return value if isinstance(value, int) else 0


def _usd(value: Cell) -> str:
    return _short(value) if isinstance(value, int) else "unknown"


def _short(picodollars: int) -> str:
    """Four digits that count: the exact amount is in every other format."""
    step = 10 ** max(0, len(str(abs(picodollars))) - 4)
    return usd(round(picodollars / step) * step if picodollars < 100 * DOLLAR else round(picodollars, -10))


def _share(value: Cell) -> str:
    return f"{value:.1%}" if isinstance(value, float | int) else "–"  # noqa: RUF001 - a dash


def _time(value: Cell) -> str:
    if not isinstance(value, float | int):
        return "–"  # noqa: RUF001 - a dash
    return f"{value:,.0f} ms" if value < 1000 else f"{value / 1000:,.2f} s"


def _line(values: list[Cell]) -> str:
    amounts = [value if isinstance(value, int) else 0 for value in values]
    most = max(amounts) or 1
    return "".join(BLOCKS[round((len(BLOCKS) - 1) * amount / most)] for amount in amounts)
