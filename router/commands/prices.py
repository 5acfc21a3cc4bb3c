"""`farthing prices`: look at the price book, compare two, find what is wrong with it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from router.catalog import Knowledge
from router.catalog.book import changes, row, trouble
from router.catalog.pricemap import PriceMap
from router.config import environment, load
from router.types import Model, Prices

WIDE = 10_000

CONFIG = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("farthing.yaml"),
    show_default=True,
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(name="prices")
def command() -> None:
    """Look at the price book."""


@command.command()
@click.argument("model", required=False)
@CONFIG
@JSON
def show(model: str | None, path: Path, *, as_json: bool) -> None:
    """Show what each model costs (or MODEL alone), who says so, and how long ago that was looked up."""
    models = [one for one in _models(path) if model in {None, one.name}]
    if model is not None and not models:
        raise click.UsageError(f"{path} has no model {model!r}.")
    rows = [row(one, _today()) for one in models]
    if as_json:
        click.echo(orjson.dumps({"prices": rows}, option=orjson.OPT_INDENT_2).decode())
        return
    table = Table("model", "provider", "input", "output", "cached", "otherwise", "source", "age")
    for each in rows:
        table.add_row(*_cells(each))
    Console(width=WIDE).print(table)
    click.echo("USD per million tokens." if model is None else _details(rows[0]))


@command.command()
@click.argument("old", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("new", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def diff(old: Path, new: Path) -> None:
    """Say what changed from OLD to NEW: two configurations, or two of litellm's lists (JSON).

    Exit status 1 if anything did.
    """
    found = list(changes(_book(old), _book(new)))
    for line in found:
        click.echo(line)
    if found:
        raise SystemExit(1)
    click.echo("Nothing changed.")


@command.command()
@CONFIG
@JSON
def check(path: Path, *, as_json: bool) -> None:
    """Find prices that are missing, contradict another source, or are stale; exit status 1 if any are."""
    knowledge = Knowledge.load()
    rows = load(path, environ=environment()).catalogue()
    models = [knowledge.complete(one) for one in rows]
    found = list(trouble(models, {one.name: one.prices for one in rows}, knowledge, _today()))
    if as_json:
        click.echo(orjson.dumps({"trouble": [asdict(one) for one in found]}).decode())
    else:
        for one in found:
            click.echo(f"{one.kind}: {one.model}: {one.said}")
    if found:
        raise SystemExit(1)
    if not as_json:
        click.echo(f"The prices of {len(models)} models are known, agree and are fresh.")


def _models(path: Path) -> list[Model]:
    knowledge = Knowledge.load()
    return [knowledge.complete(one) for one in load(path, environ=environment()).catalogue()]


def _book(path: Path) -> Mapping[str, Prices | None]:
    if path.suffix != ".json":
        return {one.name: one.prices for one in _models(path)}
    prices = PriceMap.load(path)
    return {
        f"{provider}/{name}": known.prices
        for provider in sorted({owner for owner, _ in prices.entries})
        for name, known in prices.of_provider(provider)
    }


def _cells(each: Mapping[str, Any]) -> tuple[str, ...]:
    price = each["price"]
    if price is None:
        return (each["model"], each["provider"] or "", "unpriced", "", "", "", "", "")
    age = f"{each['age_days']} d" if each["age_days"] is not None else ""
    otherwise = str(len(each["otherwise"]) or "")
    cached = price.get("cached_input", "")
    name, provider = each["model"], each["provider"] or ""
    return (name, provider, price["input"], price["output"], cached, otherwise, each["source"], age)


def _details(each: Mapping[str, Any]) -> str:
    if each["price"] is None:
        return "Nobody states a price for it."
    lines = ["USD per million tokens; image, search, request and minimum per call."]
    lines += [f"  {kind}: {value}" for kind, value in each["price"].items()]
    for override in each["otherwise"]:
        when = ", ".join(f"{name} {value}" for name, value in override["when"].items())
        lines.append(f"  where {when}: {', '.join(f'{k} {v}' for k, v in override['price'].items())}")
    return "\n".join(lines)


def _today() -> date:
    return datetime.now(UTC).date()
