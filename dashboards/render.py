"""A report's table for people, for programs and for documents.

Labels come from callers and upstreams, so each format makes them harmless in its own way:
no terminal obeys them, no spreadsheet computes them, no page runs them.
Money is exact everywhere: whole picodollars become decimals without passing through a float.
"""

import csv
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from io import StringIO
from types import MappingProxyType

from rich.box import SIMPLE
from rich.table import Table as RichTable
from rich.text import Text

from dashboards.tables import Cell, Column, Table, Unit
from router.catalog.money import usd_text

LONGEST_LABEL = 80
"""Characters of a label that people are shown."""

NOTHING = "–"  # noqa: RUF001 - a dash, not a minus

FORMULA = frozenset("=+-@＝＋－＠")  # noqa: RUF001 - spreadsheets take the wide ones too

MARKDOWN = re.compile(r"([\\`*_{}\[\]()#|~!@$:])")

SUFFIXES: Mapping[Unit, str] = MappingProxyType(
    {Unit.NONE: "", Unit.PICODOLLARS: "_usd", Unit.MILLISECONDS: "_ms", Unit.SHARE: "_share"}
)


def key(column: Column) -> str:
    """Name a column for programs, with its unit: `spend_usd`, `latency_p50_ms`, `saving_share`."""
    return column.name + SUFFIXES[column.unit]


def as_json(table: Table) -> str:
    """One object; amounts of money are strings, since a JSON number would be read as a float."""
    keys = [key(column) for column in table.columns]
    document = {
        "title": table.title,
        "question": table.question,
        "since": table.since.isoformat() if table.since else None,
        "until": table.until.isoformat() if table.until else None,
        "columns": keys,
        "rows": [dict(zip(keys, _plain_row(table, row), strict=True)) for row in table.rows],
    }
    return in_page(json.dumps(document, indent=2))


def in_page(document: str) -> str:
    """Spell out what HTML would read; inside strings only, as JSON has none of it elsewhere."""
    return document.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def as_csv(table: Table) -> str:
    """RFC 4180, every field in quotes; a label that a spreadsheet would compute begins with an apostrophe."""
    file = StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([key(column) for column in table.columns])
    for row in table.rows:
        writer.writerow(
            [_for_spreadsheet(cell, column) for cell, column in zip(row, table.columns, strict=True)]
        )
    return file.getvalue()


def as_markdown(table: Table) -> str:
    """A heading, the question, and a table as GitHub has it."""
    head, rows = _laid_out(table, _escaped)
    numeric = [not table.card and _is_numeric(table, index) for index in range(len(head))]
    lines = [
        f"## {table.title}",
        "",
        table.question,
        "",
        _line(head),
        _line(["---:" if right else "---" for right in numeric]),
        *(_line(row) for row in rows),
    ]
    return "\n".join(lines) + "\n"


def as_rich(table: Table) -> RichTable:
    """For a terminal: a card is a list of names and values, and columns of nothing but zeros are left out."""
    table = table if table.card else _telling(table)
    head, rows = _laid_out(table, lambda label: label)
    rich = RichTable(
        title=Text(table.title), caption=Text(table.question), show_header=not table.card, box=SIMPLE
    )
    for index, name in enumerate(head):
        right = index > 0 if table.card else _is_numeric(table, index)
        # A number is never broken: half of one reads as another.
        title = Text("\n".join(name.split()) if right else name)
        rich.add_column(title, justify="right" if right else "left", no_wrap=True)
    for row in rows:
        rich.add_row(*(Text(cell) for cell in row))
    return rich


def as_html(table: Table) -> str:
    """A section for a page; its table scrolls by itself where the page is narrow."""
    table = table if table.card else _telling(table)
    head, rows = _laid_out(table, escape)
    titles = "" if table.card else "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f"<section><h2>{escape(table.title)}</h2><p>{escape(table.question)}</p>"
        f'<div role="region" aria-label="{escape(table.title)}" tabindex="0">'
        f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div></section>"
    )


FORMATS: Mapping[str, Callable[[Table], str]] = MappingProxyType(
    {"json": as_json, "csv": as_csv, "markdown": as_markdown, "html": as_html}
)
"""The formats that are text; a terminal's is `as_rich`."""


def visible(text: str) -> str:
    """Spell out what would not be seen, or would be obeyed: control, direction and format characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def harmless(text: str) -> str:
    """Spell out a label for a file that a spreadsheet may read: it is shown and never computed."""
    label = visible(text)
    return f"'{label}" if label.lstrip()[:1] in FORMULA else label


def usd(picodollars: int, decimals: int = 2) -> str:
    """Write US dollars exactly, with at least so many decimals: `$1,234.50`, `-$0.00000015`."""
    whole, _, part = usd_text(abs(picodollars)).partition(".")
    return f"{'-' if picodollars < 0 else ''}${int(whole):,}.{part:0<{decimals}}"


def _telling(table: Table) -> Table:
    columns = range(len(table.columns))
    kept = [i for i in columns if not table.rows or any(row[i] != 0 for row in table.rows)]
    return replace(
        table,
        columns=tuple(table.columns[i] for i in kept),
        rows=tuple(tuple(row[i] for i in kept) for row in table.rows),
    )


def _laid_out(table: Table, label: Callable[[str], str]) -> tuple[list[str], list[list[str]]]:
    names = [_title(column) for column in table.columns]
    columns = [_shown_column(table, index, label) for index in range(len(names))]
    if table.card and len(table.rows) == 1:
        return ["", ""], [[name, cells[0]] for name, cells in zip(names, columns, strict=True)]
    return names, [list(row) for row in zip(*columns, strict=True)]


def _title(column: Column) -> str:
    words = column.name.replace("_", " ")
    return f"{words} share" if column.unit is Unit.SHARE else words


def _shown_column(table: Table, index: int, label: Callable[[str], str]) -> list[str]:
    cells = [row[index] for row in table.rows]
    unit = table.columns[index].unit
    amounts = [cell for cell in cells if isinstance(cell, int)] if unit is Unit.PICODOLLARS else []
    # As many decimals as the longest needs: the points stand below each other.
    decimals = max([2, *(len(usd_text(amount).partition(".")[2]) for amount in amounts)])
    return [_shown(cell, unit, decimals, label) for cell in cells]


def _shown(cell: Cell, unit: Unit, decimals: int, label: Callable[[str], str]) -> str:
    if cell is None:
        return NOTHING
    if isinstance(cell, str):
        seen = visible(cell)
        return label(seen if len(seen) <= LONGEST_LABEL else seen[: LONGEST_LABEL - 1] + "…")
    if unit is Unit.PICODOLLARS:
        return usd(int(cell), decimals)
    if unit is Unit.SHARE:
        return f"{cell:.1%}"
    if unit is Unit.MILLISECONDS:
        return f"{cell:,.1f} ms" if cell < 10 else f"{cell:,.0f} ms"
    return f"{cell:,}"


def _plain_row(table: Table, row: tuple[Cell, ...]) -> list[Cell]:
    return [_plain(cell, column.unit) for cell, column in zip(row, table.columns, strict=True)]


def _plain(cell: Cell, unit: Unit) -> Cell:
    if unit is Unit.PICODOLLARS and isinstance(cell, int):
        return usd_text(cell)
    return round(cell, 6) if isinstance(cell, float) else cell


def _for_spreadsheet(cell: Cell, column: Column) -> Cell:
    if not isinstance(cell, str):
        return _plain(cell, column.unit)
    return harmless(cell)


def _escaped(label: str) -> str:
    text = label.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return MARKDOWN.sub(r"\\\1", text).replace("www.", r"www\.")


def _is_numeric(table: Table, index: int) -> bool:
    cells = [row[index] for row in table.rows if row[index] is not None]
    return bool(cells) and not any(isinstance(cell, str) for cell in cells)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
