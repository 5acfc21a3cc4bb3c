"""`farthing policy test`: cases in YAML, as tests of policies."""

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import click
import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evaluators import EVALUATORS
from policies.replay import Replayed
from router.app import Household, Parts, gather
from router.clock import SystemClock
from router.config import environment, load, parse
from router.dialects import DIALECTS
from router.errors import ConfigError
from router.explaining import explained, measured
from router.types import Prediction, Principal


class Words(BaseModel):
    """A part of a file of cases: what it does not name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Expect(Words):
    """What must come out; what is left out may be anything."""

    policy: str | None = None
    first: str | None = None
    order: list[str] | None = None
    allowed: list[str] | None = None
    never: list[str] = []
    refused: dict[str, str] = {}
    nothing: bool | None = None


class Case(Words):
    """One request, what is so at its moment, and what must come out."""

    name: str
    text: str = "What is 2 + 2?"
    model: str = "auto"
    body: dict[str, Any] = {}
    headers: dict[str, str] = {}
    key: str | None = None
    team: str | None = None
    user: str | None = None
    tags: list[str] = []
    session: str | None = None
    at: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)
    prompt_tokens: int | None = None
    chances: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    moment: dict[str, float] = {}
    expect: Expect


class Cases(Words):
    """A file: a configuration, here or by name, and cases."""

    config: dict[str, Any] | str | None = None
    cases: Annotated[list[Case], Field(min_length=1)]


@click.command()
@click.argument("paths", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="The configuration, where a file of cases has none  [farthing.yaml]",
)
@click.option("--presets", is_flag=True, help="Try the cases that come with the presets.")
def command(paths: tuple[Path, ...], config_path: Path | None, *, presets: bool) -> None:
    """Try the cases in the files; nothing is sent. Fails if a case does, and says which."""
    if presets:
        folder = Path(str(files("policies") / "presets"))
        paths = (*paths, *sorted(folder.glob("*.test.yaml")))
    if not paths:
        raise click.UsageError("Name a file of cases, or say --presets.")
    failures = asyncio.run(_all(paths, config_path or Path("farthing.yaml")))
    sys.exit(1 if failures else 0)


async def _all(paths: Sequence[Path], config_path: Path) -> int:
    told, failures, count = Replayed(), 0, 0
    async with aiohttp.ClientSession() as session:
        parts = replace(gather(session, SystemClock()), moment=told, draw=told.draw)
        for path in paths:
            cases = _read(path)
            house = _house(cases.config, path, config_path, parts)
            for case in cases.cases:
                wrong = _tried(case, house, told)
                count, failures = count + 1, failures + bool(wrong)
                for line in wrong:
                    click.echo(f"{path.name}: {case.name}: {line}")
    click.echo(f"{count} cases, {failures} failed." if failures else f"{count} cases, all as expected.")
    return failures


def _read(path: Path) -> Cases:
    try:
        return Cases.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ConfigError(f"is no YAML: {error}", file=str(path)) from None
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False)
        lines = "\n".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in told)
        raise ConfigError(lines, file=str(path)) from None


def _house(given: Mapping[str, Any] | str | None, path: Path, usual: Path, parts: Parts) -> Household:
    complete = parts.knowledge.complete
    if isinstance(given, Mapping):
        text = yaml.safe_dump(dict(given), sort_keys=False)
        where = f"{path} (config)"
        config = parse(text, file=where, environ=environment(), known_checks=EVALUATORS, complete=complete)
    else:
        file = path.parent / given if given else usual
        config = load(file, environ=environment(), known_checks=EVALUATORS, complete=complete)
    return Household(config, parts)


def _tried(case: Case, house: Household, told: Replayed) -> list[str]:
    """Say in what a case came out otherwise than expected."""
    body = {"model": case.model, "messages": [{"role": "user", "content": case.text}], **case.body}
    who = Principal(key=case.key, team=case.team, user=case.user, tags=tuple(case.tags), session=case.session)
    request = DIALECTS["chat"].parse(orjson.dumps(body), request_id=case.name, principal=who)
    headers = {name.lower(): value for name, value in case.headers.items()}
    request = replace(request, labels=house.labels(request, headers))
    policy = house.policy(request.asked)
    told.now = {}
    features = measured(house, request, policy, at=case.at.replace(tzinfo=case.at.tzinfo or UTC))
    chances = {
        name: Prediction(success=case.chances.get(name, each.success), output_tokens=each.output_tokens)
        for name, each in features.predictions.items()
    }
    tokens = features.prompt_tokens if case.prompt_tokens is None else case.prompt_tokens
    told.now = case.moment
    found = explained(house, request, replace(features, predictions=chances, prompt_tokens=tokens), policy)
    return list(_differences(case.expect, found, [model.name for model in house.catalog]))


def _differences(expect: Expect, found: Mapping[str, Any], models: Sequence[str]) -> Iterator[str]:
    named = (*(expect.allowed or ()), *expect.never, *expect.refused)
    yield from (f"there is no model {name!r}" for name in named if name not in models)
    if expect.policy is not None and found["policy"] != expect.policy:
        yield f"policy is {found['policy']!r}, not {expect.policy!r}"
    yield from _of_order(expect, found)
    for name in expect.allowed or ():
        if name in found["refused"]:
            yield f"{name!r} is struck out{_why(name, found)}"
    for name, rule in expect.refused.items():
        if rule not in [each["rule"] for each in found["rules"].get(name, ())]:
            yield f"{name!r} is not struck out by {rule!r}{_why(name, found)}"


def _of_order(expect: Expect, found: Mapping[str, Any]) -> Iterator[str]:
    order = list(dict.fromkeys(row["model"] for row in found["order"]))
    first = order[0] if order else None
    if expect.first is not None and first != expect.first:
        yield f"first is {first!r}, not {expect.first!r}{_why(expect.first, found)}"
    if expect.order is not None and order != expect.order:
        yield f"order is {order}, not {expect.order}"
    if expect.nothing is not None and (first is None) is not expect.nothing:
        yield "something would be tried" if first else "nothing would be tried"
    yield from (f"{name!r} would be tried" for name in expect.never if name in order)


def _why(name: str, found: Mapping[str, Any]) -> str:
    return f" ({found['refused'][name]})" if name in found["refused"] else ""
