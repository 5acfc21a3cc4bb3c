"""`farthing difficulty status`: nothing drifts in silence."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from router.config import Config, environment, load
from router.difficulty.artefact import SHIPPED
from router.learning.calibrating import standing
from router.learning.folder import Folder
from router.learning.job import read_forgotten
from router.learning.local import Cell, Local
from router.learning.standing import Found, find
from router.learning.versions import versions
from router.learning.watching import BAND

SHOWN = 20


@click.command()
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("farthing.yaml"), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(path: Path, *, as_json: bool) -> None:
    """Say which classifier is in force, what was learnt here, and whether its promises hold.

    Fails with status 1 if an alarm stands, so that a monitor can ask.
    """
    config = load(path, environ=environment())
    folder = Folder(config.data)
    status = status_of(config, folder, find(folder))
    if as_json:
        click.echo(json.dumps(status, default=str))
    else:
        _show(status)
    if status["alarms"]:
        raise SystemExit(1)


def status_of(config: Config, folder: Folder, found: Found) -> dict[str, Any]:
    """Gather what there is to say, as plain values."""
    local = found.local
    shipped = replace(found.base, taught={})
    forgotten = read_forgotten(folder)
    return {
        "artefact": {
            "file": found.artefact.name,
            "trained_here": found.artefact != SHIPPED,
            "sha256": found.checksum,
            "scale": found.base.scale,
            "models": len(found.base.models),
            "versions_kept": versions(folder),
        },
        "learning": config.learning.model_dump(),
        "placed": [
            {
                "model": each.model,
                "at": each.at,
                "prompts": len(each.answers),
                **dict(zip(("ability", "doubt"), map(_short, standing(shipped, each.belief)), strict=True)),
                "in_force": each.scale == found.base.scale,
            }
            for each in found.all_placed
        ],
        "learnt": None if local is None else _learnt(local),
        "cells": [] if local is None else [_cell(cell) for cell in local.cells],
        "alarms": []
        if local is None
        else [{key: getattr(alarm, key) for key in alarm.__slots__} for alarm in local.alarms],
        "forgotten": {
            "everything": forgotten.everything,
            "models": dict(forgotten.models),
            "policies": dict(forgotten.policies),
        },
        "off": list(_off(config, local, found)),
    }


def _learnt(local: Local) -> dict[str, Any]:
    return {
        "at": local.made,
        "outcomes": sum(cell.outcomes for cell in local.cells),
        "checked": sum(cell.checked for cell in local.cells),
        "ignored": dict(local.ignored),
        "shifts": [
            {"effect": name[0], "of": " ".join(name[1:]), "logits": _short(mean), "doubt": _short(doubt)}
            for name, (mean, doubt) in local.effects.items()
            if name[0] in {"everywhere", "model", "kind", "slope", "after"}
        ],
        "lengths": {name: _short(value) for name, value in local.lengths.items()},
    }


def _cell(cell: Cell) -> dict[str, Any]:
    told = {key: getattr(cell, key) for key in Cell.__slots__}
    return {key: _short(value) if isinstance(value, float) else value for key, value in told.items()}


def _short(value: float) -> float:
    return round(value, 3)


def _off(config: Config, local: Local | None, found: Found) -> Iterator[str]:
    """Say what is not at work, and why."""
    yield from found.notes
    if not config.learning.enabled:
        yield "Learning from traffic is off (`learning.enabled`); what was learnt before is not in force."
    elif local is None:
        yield "Nothing was learnt from traffic yet; the server does so by itself once there is evidence."
    elif not any(cell.outcomes for cell in local.cells):
        yield "No outcomes: predictions move by self-checks alone, and no alarm can be raised."


def _show(status: Mapping[str, Any]) -> None:
    console = Console()
    artefact = status["artefact"]
    origin = "trained here" if artefact["trained_here"] else "shipped"
    console.print(
        f"In force: [b]{escape(artefact['file'])}[/b] ({origin}), {artefact['models']} known models, "
        f"sha256 {artefact['sha256'][:16]}, scale {artefact['scale']}."
    )
    if status["placed"]:
        console.print(_table("Placed by `farthing calibrate`", status["placed"]))
    learnt = status["learnt"]
    if learnt is not None:
        console.print(
            f"Learnt at {learnt['at']:%Y-%m-%d %H:%M:%S} from {learnt['outcomes']} outcomes "
            f"and {learnt['checked']} verdicts of self-checks."
        )
        for reason, count in learnt["ignored"].items():
            console.print(f"Not learnt from: {count} answers ({reason}).")
        console.print(_table("Shifts, in logits", learnt["shifts"]))
        console.print(_table("Promised and found", status["cells"][:SHOWN]))
    for alarm in status["alarms"]:
        name = f"{alarm['scope']} {alarm['name']}".strip()
        console.print(
            f"[b red]ALARM[/] {escape(name)}: outcomes are {alarm['side']} by more than {BAND:.2f}, "
            f"since {alarm['since']:%Y-%m-%d %H:%M} (evidence {alarm['evidence']:.0f} : 1)."
        )
    if learnt is not None and learnt["outcomes"] and not status["alarms"]:
        console.print("No alarm: outcomes are within what was promised.")
    for note in status["off"]:
        console.print(f"[dim]{escape(note)}[/]")


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title)
    for column in rows[0] if rows else ():
        table.add_column(column)
    for row in rows:
        table.add_row(*("" if value is None else escape(str(value)) for value in row.values()))
    return table
