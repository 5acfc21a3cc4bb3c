"""The page: the reports as tables, made by the same command that prints them in a terminal.

The reports run in a process of their own: DuckDB in a thread of the proxy would make callers wait.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

SHOWN = ("overview", "models", "escalations", "checks")

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; min-width: 30rem; }
th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent);
         padding: .3rem .8rem .3rem 0; text-align: left; font-variant-numeric: tabular-nums; }
p { color: color-mix(in srgb, currentColor 70%, transparent); }
"""


async def page(data: Path) -> str:
    """Make the page from the ledger in `data`."""
    tables = await asyncio.gather(*(_report(data, name) for name in SHOWN))
    sections = "".join(_section(name, table) for name, table in zip(SHOWN, tables, strict=True))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Farthing</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="refresh" content="10">'
        f"<style>{STYLE}</style><h1>Farthing</h1>"
        "<p>What requests cost, and what was saved. Amounts are US dollars. Renewed every ten seconds.</p>"
        f"{sections}</html>"
    )


async def _report(data: Path, name: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "router", "report", name, "--data", str(data), "--format", "json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, problem = await process.communicate()
    if process.returncode:
        return {"problem": problem.decode(errors="replace").strip()[-300:]}
    try:
        return json.loads(out)
    except ValueError:
        return {"problem": out.decode(errors="replace").strip()[-300:]}


def _section(name: str, table: Any) -> str:
    if "problem" in table:
        return f"<h2>{escape(name)}</h2><p>{escape(str(table['problem']))}</p>"
    title, columns, rows = table.get("title", name), table["columns"], table["rows"]
    head = "".join(f'<th scope="col">{escape(str(column))}</th>' for column in columns)
    body = "".join(f"<tr>{_cells(row, columns)}</tr>" for row in rows)
    return (
        f'<h2>{escape(str(title))}</h2><div tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cells(row: Any, columns: Sequence[str]) -> str:
    values = [row[column] for column in columns] if isinstance(row, dict) else row
    return "".join(f"<td>{escape('' if value is None else str(value))}</td>" for value in values)
