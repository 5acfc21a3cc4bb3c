"""`farthing policy explain`: what would be tried for a request, or was for a past one, and why."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import click
import orjson
from rich.console import Console
from rich.table import Table

from evaluators import EVALUATORS
from policies.replay import READ, Replayed, decided_again, features_of, request_of, same
from router.app import Household, gather
from router.clock import SystemClock
from router.config import Config, environment, load
from router.dialects import DIALECTS
from router.errors import FarthingError
from router.explaining import explained, measured
from router.learning.adapted import Living
from router.ledger.decisions import requests
from router.ledger.store import Ledger, reading
from router.types import Principal, Request


@click.command()
@click.argument("request_file", type=click.File("rb"), required=False)
@click.option("--id", "request_id", metavar="ID", help="Explain this past request from the ledger instead.")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("farthing.yaml"), show_default=True
)
@click.option("--model", help="Ask for this instead of the file's `model`.")
@click.option("--dialect", type=click.Choice(sorted(DIALECTS)), default="chat", show_default=True)
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="A header of the call.")
@click.option("--key", help="The name of the caller's key.")
@click.option("--team", help="The caller's team.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(  # noqa: PLR0913 - click's way
    request_file: Any,
    request_id: str | None,
    path: Path,
    model: str | None,
    dialect: str,
    headers: tuple[str, ...],
    key: str | None,
    team: str | None,
    *,
    as_json: bool,
) -> None:
    """Say what would be tried for the request in REQUEST_FILE (`-`: standard input), and why.

    The file is the body of a request as a client would send it. Nothing is sent, nothing is spent.
    With `--id`, say it of a past request, as it was decided then.
    """
    if (request_file is None) == (request_id is None):
        raise click.UsageError("Give either a REQUEST_FILE or an --id.")
    config = load(path, environ=environment(), known_checks=EVALUATORS)
    if request_id is not None:
        explanation = asyncio.run(_past(config, request_id))
    else:
        body = request_file.read()
        if model is not None:
            body = orjson.dumps({**orjson.loads(body), "model": model})
        who = Principal(key=key, team=team)
        request = DIALECTS[dialect].parse(body, request_id="explained", principal=who)
        explanation = asyncio.run(_present(config, request, _read(headers)))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(explanation, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _show(explanation)


def _read(headers: tuple[str, ...]) -> dict[str, str]:
    pairs = [header.partition(":") for header in headers]
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _present(config: Config, request: Request, headers: dict[str, str]) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session:
        parts = gather(session, SystemClock(), predictor=Living(config.data, learns=config.learning.enabled))
        house = Household(config, parts)
    request = replace(request, labels=house.labels(request, headers))
    policy = house.policy(request.asked)
    return explained(house, request, measured(house, request, policy), policy)


async def _past(config: Config, request_id: str) -> dict[str, Any]:
    told = Replayed()
    async with aiohttp.ClientSession() as session:
        parts = gather(session, SystemClock())
        house = Household(config, replace(parts, moment=told, draw=told.draw))
    with reading(Ledger(config.data)) as connection:
        found = list(requests(connection, READ, request_id=request_id))
    if not found:
        raise FarthingError(f"The ledger has no decided request {request_id!r}.")
    rows = found[-1]
    told.now = rows[0]["moment"] or {}
    policy = house.policy(rows[0]["asked"])
    explanation = explained(house, request_of(rows[0]), features_of(rows[0]), policy)
    again = list(decided_again(policy, rows, told))
    recorded = [{name: row[name] for name in ("model", "reason", "status", "error")} for row in rows]
    return explanation | {
        "recorded": recorded,
        "decided_again": len(again) == len(rows) and all(same(row, step) for row, step, _ in again),
        "moment": dict(rows[0]["moment"] or {}),
        "calls_of_this_id": len(found),
    }


def _show(explanation: dict[str, Any]) -> None:
    console = Console()
    needs = ", ".join(explanation["needs"]) or "nothing special"
    console.print(
        f"Asked for [b]{explanation['asked']}[/b], policy [b]{explanation['policy']}[/b]. "
        f"About {explanation['prompt_tokens']} prompt tokens; needs {needs}."
    )
    if explanation["when"]:
        console.print(f"The policy is for: {orjson.dumps(explanation['when']).decode()}")
    table = Table(title="Tried in this order, each only if the one before fails its checks")
    for column in ("", "model", "chance", "tokens", "expected USD", "why"):
        table.add_column(column)
    for place, row in enumerate(explanation["order"], start=1):
        cells = (f"{row['success']:.2f}", row["output_tokens"], row["expected_cost_usd"] or "unpriced")
        table.add_row(str(place), row["model"], *map(str, cells), row["reason"])
    console.print(table)
    if explanation["refused"]:
        _show_refused(console, explanation)
    if "recorded" in explanation:
        for row in explanation["recorded"]:
            console.print(f"Then: {row['model']}, {row['reason']}, {row['status']} {row['error'] or ''}")
        same_again = "the same again" if explanation["decided_again"] else "otherwise now"
        console.print(f"With this configuration it is decided {same_again}.")


def _show_refused(console: Console, explanation: dict[str, Any]) -> None:
    refused = Table(title="Struck out")
    for column in ("model", "rule", "because"):
        refused.add_column(column)
    for name, rules in explanation["rules"].items():
        for at, each in enumerate(rules):
            refused.add_row("" if at else name, each["rule"], each["reason"])
    console.print(refused)
    way = explanation["relaxation"]
    if way is not None:
        rules = " and ".join(each["rule"] for each in way["rules"])
        console.print(
            f"Cheapest way out: [b]{way['model']}[/b] could serve if {rules} gave way "
            f"(expected USD {way['expected_cost_usd'] or 'unpriced'})."
        )
