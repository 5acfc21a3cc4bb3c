"""The page: the reports as tables, renewed by itself."""

from datetime import datetime
from pathlib import Path

from dashboards.render import as_html
from dashboards.reports import run

SHOWN = ("overview", "models", "escalations", "checks")

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 0; }
div { overflow-x: auto; }
table { border-collapse: collapse; min-width: 24rem; }
th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent);
         padding: .3rem 1.2rem .3rem 0; text-align: left; vertical-align: top;
         font-variant-numeric: tabular-nums; }
p { color: color-mix(in srgb, currentColor 70%, transparent); margin: 0 0 .5rem; }
"""


def html(data: Path, *, now: datetime) -> str:
    """Write the page; takes as long as its reports."""
    sections = "".join(as_html(run(data, name, now=now)) for name in SHOWN)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Farthing</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="refresh" content="10"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body><main><h1>Farthing</h1>"
        f"<p>What requests cost, and what was saved, as of {now:%Y-%m-%d %H:%M:%S} UTC. "
        f"Renewed every ten seconds.</p>{sections}</main></body></html>"
    )
