"""`farthing calibrate`: place a model on the classifier's scale by asking it a few prompts of ours."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import yaml

from evaluators import EVALUATORS
from router.commands.calibration import Run
from router.config import Config, environment, load
from router.errors import ConfigError
from router.learning.bounds import bound_of, told
from router.learning.items import FAMILIES, LEVELS, Place, make
from router.ledger.store import Ledger, reading


@click.command()
@click.argument("model", required=False)
@click.option(
    "--upstream-config",
    "--config",
    "path",
    type=click.Path(path_type=Path),
    default=Path("farthing.yaml"),
    show_default=True,
    help="The configuration that says how to reach the model.",
)
@click.option(
    "--prompts", type=click.IntRange(1, 1000), default=80, show_default=True, help="How many are asked."
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed offers the same prompts.")
@click.option(
    "--at-once", type=click.IntRange(1, 64), default=8, show_default=True, help="Calls under way at most."
)
@click.option("--max-cost-usd", type=click.FloatRange(min=0), help="Stop before it costs more.")
@click.option("--again", is_flag=True, help="Place it anew from the answers that are kept; asks nothing.")
@click.option("--dry-run", is_flag=True, help="Say what would be asked and what it would cost.")
@click.option(
    "--policy", help="Instead: say which failure rate this policy keeps to, as far as outcomes tell."
)
@click.option(
    "--max-failure-rate",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="With --policy: the rate wanted.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="With --policy.",
)
@click.option(
    "--write-tasks", type=click.Path(path_type=Path), hidden=True, help="Write prompts for simulated models."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(model: str | None, path: Path, write_tasks: Path | None, *, as_json: bool, **how: Any) -> None:
    """Ask MODEL a few prompts of Farthing's own and place it among the models the classifier knows.

    The prompts are made up (arithmetic, logic, code with tests, extraction, formats, instructions),
    graded, and the ones that tell most are asked. A running server takes the result within seconds.
    """
    if write_tasks is not None:
        _write_tasks(write_tasks, how["seed"], how["prompts"])
        return
    config = load(path, environ=environment(), known_checks=EVALUATORS)
    if how["policy"] is not None:
        _show_bound(config, how, as_json=as_json)
        return
    if model is None:
        raise click.UsageError("Name the MODEL to place, or a --policy.")
    asked = {name: how[name] for name in ("prompts", "seed", "at_once", "max_cost_usd", "again", "dry_run")}
    run = Run(config=config, model=model, as_json=as_json, **asked)
    result = run.place() if not how["dry_run"] else run.estimate()
    click.echo(json.dumps(result) if as_json else _told(result))


def _show_bound(config: Config, how: Mapping[str, Any], *, as_json: bool) -> None:
    policy = how["policy"]
    if policy not in config.policies:
        raise ConfigError(f"There is no policy {policy!r}; there is {', '.join(sorted(config.policies))}.")
    with reading(Ledger(config.data)) as connection:
        bound = bound_of(
            connection,
            policy,
            now=datetime.now(UTC),
            confidence=how["confidence"],
            wanted=how["max_failure_rate"],
        )
    click.echo(json.dumps(bound.content()) if as_json else told(bound))


def _told(result: Mapping[str, Any]) -> str:
    """Say it in a few lines."""
    cost = result.get("cost_usd", result.get("expected_cost_usd"))
    money = "no price is known" if cost is None else f"{cost} USD"
    if result.get("dry_run"):
        families = ", ".join(f"{count} {family}" for family, count in result["families"].items())
        asked = f"{result['model']}: {result['prompts']} prompts, about {money}; first {families}"
        return f"{asked}. Nothing was asked."
    before, families = result["before"], result["families"]
    rows = "\n".join(f"  {family:<14}{right:>3} of {asked:>3}" for family, (right, asked) in families.items())
    early = (
        f"\nIt ended early: {result['ended_early']}. What was learnt is kept."
        if result["ended_early"]
        else ""
    )
    return (
        f"{result['model']}: {result['right']} of {result['prompts']} right, {money}.\n{rows}\n"
        f"Ability {result['ability']:+.2f} ± {result['doubt']:.2f} logits from the mean known model "
        f"(before: {before['ability']:+.2f} ± {before['doubt']:.2f}).{early}\n"
        "A running server takes it within seconds; `farthing difficulty status` shows it."
    )


def _write_tasks(path: Path, seed: int, count: int) -> None:
    """Write the prompts that may be asked, with answers, as tasks of a simulated upstream."""
    prompts = []
    for family in FAMILIES:
        for level in LEVELS:
            for number in range(count):
                item = make(Place(family=family, level=level, seed=seed * 1_000_003 + number))
                prompts.append(
                    {
                        "difficulty": 0.8 * (level - 3),
                        "user": item.prompt,
                        "answer": item.answer,
                        "wrong": [item.wrong],
                    }
                )
    path.write_text(yaml.safe_dump({"prompts": prompts}, sort_keys=False, allow_unicode=True))
    click.echo(f"{len(prompts)} prompts are in {path}.")
