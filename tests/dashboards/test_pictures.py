"""Pictures are drawn without a network, and what cannot be drawn is a sentence."""

import pytest

from dashboards.inks import theme
from dashboards.pictures import BadChart, Form, draw, form_of, javascript

BARS = {
    "data": {"name": "table"},
    "mark": "bar",
    "encoding": {"x": {"field": "model", "type": "nominal"}, "y": {"field": "cost", "type": "quantitative"}},
}
ROWS = [{"model": "small", "cost": 1.0}, {"model": "big", "cost": 4.0}]


def test_a_png_is_a_png_and_an_svg_shows_its_labels():
    assert draw(BARS, ROWS, Form.PNG).startswith(b"\x89PNG")
    assert b">small</text>" in draw(BARS, ROWS)


def test_dark_is_another_paper():
    assert draw(BARS, ROWS) != draw(BARS, ROWS, dark=True)
    assert theme()["range"] == theme(dark=True)["range"]


def test_a_hostile_label_is_only_text():
    svg = draw(BARS, [{"model": "<script>alert(1)</script>", "cost": 1.0}]).decode()
    assert "<script" not in svg
    assert "&lt;script" in svg


@pytest.mark.parametrize(
    "spec",
    [
        {**BARS, "mark": "nonsense"},
        {**BARS, "data": {"url": "https://example.org/data.json"}},
        {**BARS, "data": {"url": "file:///etc/passwd", "format": {"type": "csv"}}},
    ],
)
def test_what_cannot_be_drawn_or_would_be_fetched_is_refused(spec):
    with pytest.raises(BadChart, match="The chart cannot be drawn"):
        draw(spec, ROWS)


def test_a_files_name_says_its_form(tmp_path):
    assert form_of(tmp_path / "a.PNG") is Form.PNG
    with pytest.raises(BadChart, match=r"ending in \.png or \.svg"):
        form_of(tmp_path / "a.gif")


def test_the_script_of_the_page_comes_with_the_package():
    script = javascript()
    assert "vegaEmbed" in script
    assert "expressionInterpreter" in script, "without it the page needs unsafe-eval"
