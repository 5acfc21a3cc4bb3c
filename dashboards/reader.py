"""The process that reads the ledger for the page: one line of JSON in, one line of JSON out.

DuckDB in a thread of the proxy would make callers wait, and starting it anew for every chart takes longer
than most reports: so one process stays, opens the ledger for as long as a report takes, and ends when its
input does.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from dashboards import pictures
from dashboards.plotted import chart_rows
from dashboards.render import as_json, in_page
from dashboards.reports import available, named, run
from router import files
from router.errors import FarthingError

Query = Mapping[str, Any]


def serve(queries: Iterable[str], answers: TextIO, data: Path, folder: Path | None) -> None:
    """Answer every line of `queries`; what cannot be answered is an object with `problem`."""
    for line in queries:
        try:
            answer = _answered(json.loads(line), data, folder)
        except FarthingError as error:
            answer = {"problem": str(error)[:500]}
        answers.write(in_page(json.dumps(answer)) + "\n")
        answers.flush()


def _answered(query: Query, data: Path, folder: Path | None) -> Mapping[str, Any]:
    if query.get("script"):
        return {"path": str(_script(data))}
    if query.get("list"):
        reports = available(folder)
        return {
            "reports": [
                {"name": r.name, "title": r.title, "question": r.question, "by": r.by} for r in reports
            ]
        }
    report = named(str(query.get("report", "")), folder)
    table = run(
        data,
        report.name,
        since=query.get("since"),
        until=query.get("until"),
        by=query.get("by"),
        where=query.get("where", ()),
        comparison=bool(query.get("comparison")),
        now=datetime.now(UTC),
        folder=folder,
    )
    answer: dict[str, Any] = json.loads(as_json(table))
    if report.chart is not None:
        pictures.refuse_loading(report.chart)
        answer["chart"] = report.chart
        answer["chart_rows"] = chart_rows(table)
    return answer


def _script(data: Path) -> Path:
    """Have the script of the charts as a file: putting it together takes seconds, and it stays the same."""
    path = data / "dashboard" / f"vega-{pictures.version()}.js"
    if not path.exists():
        files.replace(path, pictures.javascript().encode())
    return path
