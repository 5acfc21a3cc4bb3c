"""`farthing explain`: what would be tried for a request, and why; nothing is sent."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import click
import orjson
from rich.console import Console
from rich.table import Table

from evaluators import EVALUATORS
from policies.estimate import expected_cost
from router.app import Household, gather
from router.catalog.money import usd_text
from router.clock import SystemClock
from router.config import environment, load
from router.dialects import DIALECTS
from router.learning.adapted import Living
from router.seams import Plan
from router.types import (
    Attempt,
    Charge,
    Decision,
    Features,
    Grade,
    Principal,
    Request,
    Status,
    Usage,
    Verdict,
)


@click.command()
@click.argument("request_file", type=click.File("rb"))
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("farthing.yaml"), show_default=True
)
@click.option("--model", help="Ask for this instead of the file's `model`.")
@click.option("--dialect", type=click.Choice(sorted(DIALECTS)), default="chat", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(request_file: Any, path: Path, model: str | None, dialect: str, *, as_json: bool) -> None:
    """Say what would be tried for the request in REQUEST_FILE (`-`: standard input), and why.

    The file is the body of a request as a client would send it. Nothing is sent, nothing is spent.
    """
    body = request_file.read()
    if model is not None:
        body = orjson.dumps({**orjson.loads(body), "model": model})
    request = DIALECTS[dialect].parse(body, request_id="explained", principal=Principal())
    explanation = asyncio.run(_explain(request, path))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(explanation, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _show(explanation)


async def _explain(request: Request, path: Path) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session:
        config = load(path, environ=environment(), known_checks=EVALUATORS)
        parts = gather(session, SystemClock(), predictor=Living(config.data, learns=config.learning.enabled))
        house = Household(config, parts)
    policy = house.policy(request.asked)
    features, policy, plan, refused = house.pipeline.plan(request, policy)
    return {
        "asked": request.asked,
        "policy": policy.name,
        "prompt_tokens": features.prompt_tokens,
        "needs": sorted(request.needs),
        "vector": features.vector,
        "refused": {model: str(refusal) for model, refusal in refused.items()},
        "order": [_row(request, features, decision) for decision in _if_all_fail(plan)],
    }


def _row(request: Request, features: Features, decision: Decision) -> dict[str, Any]:
    model = decision.model
    prediction = features.predictions[model.name]
    cost = expected_cost(request, features, model)
    return {
        "model": model.name,
        "upstream": model.upstream,
        "success": round(prediction.success, 4),
        "output_tokens": round(prediction.output_tokens),
        "expected_cost_usd": usd_text(cost) if cost is not None else None,
        "reason": decision.reason,
        "checks": list(decision.checks),
        "release": str(decision.release),
    }


def _if_all_fail(plan: Plan | None) -> Iterator[Decision]:
    """Walk the plan as if every answer were rejected: what would be tried, in this order."""
    if plan is None:
        return
    try:
        decision = next(plan)
        while True:
            yield decision
            decision = plan.send(_rejected(decision))
    except StopIteration:
        return


def _rejected(decision: Decision) -> Attempt:
    return Attempt(
        number=1,
        decision=decision,
        status=Status.REJECTED,
        started=SystemClock().now(),
        duration_ms=0.0,
        verdicts=(Verdict(check="a check", passed=False, reason="no"),),
        usage=Usage(),
        charge=Charge(amount=None, bound=None, grade=Grade.NONE),
    )


def _show(explanation: dict[str, Any]) -> None:
    console = Console()
    needs = ", ".join(explanation["needs"]) or "nothing special"
    console.print(
        f"Asked for [b]{explanation['asked']}[/b], policy [b]{explanation['policy']}[/b]. "
        f"About {explanation['prompt_tokens']} prompt tokens; needs {needs}."
    )
    table = Table(title="Tried in this order, each only if the one before fails its checks")
    for column in ("", "model", "chance", "tokens", "expected USD", "why"):
        table.add_column(column)
    for place, row in enumerate(explanation["order"], start=1):
        cells = (
            row["model"],
            f"{row['success']:.2f}",
            row["output_tokens"],
            row["expected_cost_usd"] or "unpriced",
        )
        table.add_row(str(place), *map(str, cells), row["reason"])
    console.print(table)
    if explanation["refused"]:
        refused = Table(title="Struck out")
        refused.add_column("model")
        refused.add_column("because")
        for name, reason in explanation["refused"].items():
            refused.add_row(name, reason)
        console.print(refused)
