"""How charts look: one theme, on light paper and on dark."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

THEME = Path(__file__).with_name("charts") / "theme.json"

INKS: Mapping[bool, tuple[str, str, str, str]] = {
    False: ("#ffffff", "#20242a", "#5c6470", "#e4e7eb"),
    True: ("#15181d", "#e8eaed", "#a0a8b4", "#2b3038"),
}
"""Paper, ink, pale ink and lines, by whether it is dark."""


def theme(*, dark: bool = False) -> dict[str, Any]:
    """Give Vega-Lite's `config` for a sheet of paper, or for a dark one."""
    config: dict[str, Any] = json.loads(THEME.read_text(encoding="utf-8"))
    paper, ink, pale, lines = INKS[dark]
    config["background"] = paper
    for part, colours in _coloured(ink, pale, lines).items():
        config[part] = {**config.get(part, {}), **colours}
    return config


def _coloured(ink: str, pale: str, lines: str) -> dict[str, dict[str, str]]:
    return {
        "title": {"color": ink, "subtitleColor": pale},
        "axis": {"labelColor": pale, "titleColor": pale, "gridColor": lines, "tickColor": lines},
        "legend": {"labelColor": ink, "titleColor": pale},
        "text": {"color": ink},
        "header": {"labelColor": ink, "titleColor": pale},
    }
