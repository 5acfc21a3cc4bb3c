import csv
import json
import re
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from dashboards.render import FORMULA, NOTHING, as_csv, as_json, as_markdown, as_rich, usd, visible
from dashboards.tables import Column, Table, Unit
from tests.support.entries import NOW

amounts = st.integers(-(10**38), 10**38)
labels = st.text(max_size=120)

HOSTILE = [
    "=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\uff1d1",
    "a\nb", "a\r\nb", "\x1b[31mred\x1b]0;title\x07", "\x9b31m", "\u202egpj.exe", "\u2066", "\u2028",
    "<script>alert(1)</script>", "&lt;", "| a | b |", "`code`", "[x](javascript:alert(1))", "![x](http://x)",
    "http://evil.example", "www.evil.example", "a;=1", 'a",=1', "half \ud83d", "\x00", "x" * 500,
]  # fmt: skip

each_hostile = pytest.mark.parametrize("label", HOSTILE)


def table(*rows, **given):
    columns = (Column(name="label"), Column(name="spend", unit=Unit.PICODOLLARS))
    return Table(**{"title": "Spend", "question": "Q?", "columns": columns, "rows": rows, **given})


def in_terminal(shown, width=400):
    console = Console(file=StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(as_rich(shown))
    return console.file.getvalue()


@given(amounts)
def test_money_is_exact_in_every_format(amount):
    exact = Decimal(amount).scaleb(-12, None) if abs(amount) < 10**27 else None
    shown = table(("a", amount))

    machine = json.loads(as_json(shown))["rows"][0]["spend_usd"]
    assert list(csv.reader(StringIO(as_csv(shown))))[1][1] == machine
    assert usd(amount).replace("$", "").replace(",", "").rstrip("0").rstrip(".") == machine.removesuffix(
        ".00"
    )
    assert "e" not in machine.lower()
    if exact is not None:
        assert Decimal(machine) == exact


@pytest.mark.parametrize(
    ("picodollars", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000000000001"),
        (-150_000, "-$0.00000015"),
        (1_234_500_000_000_000, "$1,234.50"),
        (10**12, "$1.00"),
    ],
)
def test_money_is_written_as_people_do(picodollars, text):
    assert usd(picodollars) == text


def test_the_points_of_a_column_stand_below_each_other():
    lines = in_terminal(table(("a", 10**12), ("b", 15 * 10**4), ("c", None))).splitlines()

    cells = [cell for line in lines for cell in re.findall(rf"\$\S+|{NOTHING}", line)]
    assert cells == ["$1.00000000", "$0.00000015", NOTHING]


@given(labels)
def test_a_label_comes_out_of_json_as_it_went_in_and_ends_no_script(label):
    text = as_json(table((label, 1)))

    assert json.loads(text)["rows"] == [{"label": label, "spend_usd": "0.000000000001"}]
    assert text.isascii()
    assert not set("<>&") & set(text)


@given(labels)
def test_a_label_is_one_field_of_one_line_of_csv_and_no_formula(label):
    text = as_csv(table((label, 1)))

    assert text.count("\n") == 2
    ((cell, _),) = list(csv.reader(StringIO(text)))[1:]
    assert cell.lstrip()[:1] not in FORMULA
    assert text.splitlines()[1].startswith('"')


@given(labels)
def test_a_label_sends_a_terminal_nothing_to_obey(label):
    text = in_terminal(table((label, 1)))

    assert all(char.isprintable() or char == "\n" for char in re.sub(r"\x1b\[[0-9;]*m", "", text))
    assert len(text.splitlines()) == len(in_terminal(table(("a", 1))).splitlines())


@given(labels)
def test_a_label_is_one_cell_of_markdown_without_markup(label):
    *_, row = as_markdown(table((label, 1))).splitlines()

    assert len(re.findall(r"(?<!\\)\|", row)) == 3
    assert not re.search(r"[<>]|(?<!\\)[`*_\[\]!]", row)


@each_hostile
def test_hostile_labels_are_harmless_everywhere(label):
    shown = table((label, 1))

    assert "\x1b]" not in in_terminal(shown)
    assert all(
        char.isprintable() or char == "\n" for char in as_csv(shown) + as_markdown(shown) + as_json(shown)
    )
    for text in (as_json(shown), as_markdown(shown)):
        assert "<script" not in text
    assert "](" not in as_markdown(shown)
    assert not re.search(r"http:|www\.e", as_markdown(shown))


def test_control_characters_are_spelled_out():
    assert visible("a\nb\x1b[0m\u202e\ud83d ü😀") == r"a\nb\x1b[0m\u202e\ud83d ü😀"


def test_people_see_the_beginning_of_a_long_label_and_programs_all_of_it():
    shown = table(("x" * 500, 1))

    assert "x" * 79 + "…" in in_terminal(shown)
    assert "x" * 80 not in as_markdown(shown)
    assert "x" * 500 in as_csv(shown)


def test_a_value_says_its_unit():
    columns = (
        Column(name="requests"),
        Column(name="failed", unit=Unit.SHARE),
        Column(name="p50", unit=Unit.MILLISECONDS),
        Column(name="p95", unit=Unit.MILLISECONDS),
    )
    shown = table((12_345, 0.1234567, 3.14159, 1234.5), columns=columns)

    line = as_markdown(shown).splitlines()[-1]
    assert line == "| 12,345 | 12.3% | 3.1 ms | 1,234 ms |"
    assert as_csv(shown).splitlines() == [
        '"requests","failed_share","p50_ms","p95_ms"',
        '"12345","0.123457","3.14159","1234.5"',
    ]


def test_json_says_what_was_asked_and_for_which_time():
    document = json.loads(as_json(table(("a", 1), since=NOW)))

    assert document == {
        "title": "Spend",
        "question": "Q?",
        "since": "2026-11-23T12:00:00+00:00",
        "until": None,
        "columns": ["label", "spend_usd"],
        "rows": [{"label": "a", "spend_usd": "0.000000000001"}],
    }


def test_a_card_is_a_list_of_names_and_values():
    shown = table(("small", 10**12), card=True)

    assert as_markdown(shown).splitlines()[-2:] == ["| label | small |", "| spend | $1.00 |"]
    assert re.search(r"spend\s+\$1\.00", in_terminal(shown))


def test_a_table_of_nothing_has_its_head():
    assert as_markdown(table()).splitlines()[-2] == "| label | spend |"
    assert as_csv(table()) == '"label","spend_usd"\n'
    assert "label" in in_terminal(table())


def test_a_terminal_is_not_bothered_with_columns_of_zeros_but_programs_are():
    shown = table(("a", 0), ("b", 0))

    assert "$" not in in_terminal(shown)
    assert "spend_usd" in as_csv(shown)


def test_a_number_is_never_broken_however_narrow_the_terminal():
    shown = table(("a", 123_456_789 * 10**12))

    assert "$123,456,789.00" in in_terminal(shown, width=10_000)
