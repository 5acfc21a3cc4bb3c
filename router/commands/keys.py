"""`farthing keys`: who may call the server, for what, and for how much."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from evaluators import EVALUATORS
from policies.budgets.counters import Count
from policies.budgets.refusals import amount
from policies.budgets.standing import local_counts
from policies.budgets.windows import Calendar
from router.clock import SystemClock
from router.config import Config, environment, load
from router.errors import ConfigError
from router.keys import Key, KeyStore, Ring, digest_of, new_secret
from router.keys.key import SHOWN
from router.keys.making import created, limited, revoked, rotated
from router.keys.writing import instant_of, limits_of, name_of, span_of
from router.types import Role, Scopes

FILE = Path("farthing.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The configuration whose keys these are, and the folder of its data."""

    config: Config | None
    data: Path

    @property
    def store(self) -> KeyStore:
        return KeyStore(self.data)

    @property
    def configured(self) -> tuple[Key, ...]:
        return tuple(row.key() for row in self.config.keys) if self.config is not None else ()

    def ring(self) -> Ring:
        return Ring([*self.configured, *self.store.read()])


@click.group(name="keys")
@click.option("--config", "path", type=click.Path(path_type=Path), help="The configuration [farthing.yaml].")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Its data folder.")
@click.pass_context
def command(context: click.Context, path: Path | None, data: Path | None) -> None:
    """Make, change and end the keys that callers use; a running server follows within a second."""
    config = None
    if path is not None or FILE.exists():
        config = load(path or FILE, environ=environment(), known_checks=EVALUATORS)
    if config is None and data is None:
        raise ConfigError(
            "There is no farthing.yaml here: name one with --config, or the folder with --data."
        )
    context.obj = Place(config=config, data=data or (config.data if config is not None else Path()))


LIMITS = click.option("--limit", "limits", multiple=True, help="Such as `5 usd/day` or `60 requests/minute`.")


@command.command()
@click.argument("name")
@click.option("--team", help="Whom it is booked to.")
@click.option("--user", help="Who it is.")
@click.option("--tag", "tags", multiple=True, help="A label that all its calls carry.")
@click.option("--role", type=click.Choice([*Role]), default=Role.CALLER, show_default=True)
@click.option("--parent", help="The key it is made from, which it can only narrow.")
@click.option("--expires", help="When it ends: `30d`, or an instant.")
@click.option("--model", "models", multiple=True, help="A model that may answer; without, every one.")
@click.option("--policy", "policies", multiple=True, help="A policy that may be asked for.")
@click.option("--allow-tag", "allowed_tags", multiple=True, help="A tag its calls may carry beside its own.")
@click.option("--lane", "lanes", multiple=True, help="interactive, background or batch.")
@click.option("--dialect", "dialects", multiple=True, help="A dialect it may speak, such as chat.")
@LIMITS
@click.pass_obj
def create(place: Place, /, **given: Any) -> None:
    """Make a key and print its secret, which is shown this once and kept nowhere."""
    secret, now = new_secret(), datetime.now(UTC)
    name, expires = name_of(given["name"]), given["expires"]
    key = Key(
        name=name,
        digest=digest_of(secret),
        hint=secret[:SHOWN],
        role=Role(given["role"]),
        team=given["team"],
        user=given["user"],
        tags=tuple(given["tags"]),
        parent=given["parent"],
        scopes=_scopes(given),
        limits=limits_of(name, given["limits"]),
        created=now,
        expires=instant_of(expires, now) if expires else None,
    )
    place.store.change(lambda keys: created(keys, place.configured, key))
    click.echo(f"The key {name!r} is made. Its secret is shown this once:", err=True)
    click.echo(secret)


@command.command()
@click.argument("name")
@click.option("--grace", default="24h", show_default=True, help="How long the old secret stays good.")
@click.pass_obj
def rotate(place: Place, name: str, grace: str) -> None:
    """Give a key another secret and print it."""
    secret, now = new_secret(), datetime.now(UTC)
    span = span_of(grace)
    place.store.change(lambda keys: rotated(keys, name, secret, now=now, grace=span, hint=secret[:SHOWN]))
    until = f"; the old one is good until {now + span:%Y-%m-%dT%H:%M:%SZ}" if span > timedelta() else ""
    click.echo(f"The key {name!r} has another secret{until}. It is shown this once:", err=True)
    click.echo(secret)


@command.command()
@click.argument("name")
@click.pass_obj
def revoke(place: Place, name: str) -> None:
    """End a key, and those made from it, for good."""
    place.store.change(lambda keys: revoked(keys, name, now=datetime.now(UTC)))
    click.echo(f"The key {name!r} is revoked, and with it every key made from it.")


@command.command()
@click.argument("name")
@LIMITS
@click.option("--none", "unlimited", is_flag=True, help="Take all limits away.")
@click.pass_obj
def limit(place: Place, name: str, limits: Sequence[str], *, unlimited: bool) -> None:
    """Give a key these limits in the place of those it has."""
    if bool(limits) == unlimited:
        raise click.UsageError("Say which limits, or --none.")
    budgets = limits_of(name, limits)
    place.store.change(lambda keys: limited(keys, place.configured, name, budgets))
    click.echo(f"The key {name!r} is limited to {_limits_told(budgets) or 'nothing'}.")


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def list_keys(place: Place, *, as_json: bool) -> None:
    """List every key: those made here, and those of the configuration."""
    rows = [_told(key, made="configuration") for key in place.configured]
    rows += [_told(key, made="here") for key in place.store.read()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    columns = ("name", "secret", "role", "team", "limits", "scopes", "state")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(row[column] or "" for column in columns))
    Console().print(table)


@command.command()
@click.argument("name")
@click.pass_obj
def show(place: Place, name: str) -> None:
    """Show one key, and what it has spent of its limits."""
    key = place.ring().key(name)
    if key is None:
        raise ConfigError(f"There is no key {name!r}.")
    for field, value in _told(key, made="").items():
        if value:
            click.echo(f"{field:8} {value}")
    zone = place.config.budgeting.tzinfo if place.config is not None else UTC
    local = place.config is None or place.config.budgeting.store == "local"
    now = SystemClock().now().timestamp()
    lines, counts = local_counts(place.data / "budgets", key.name, key.limits, Calendar(zone), now)
    for line, count in zip(lines, counts if local else [Count(0, 0)] * len(lines), strict=True):
        spent = (
            f"{amount(line.unit, count.spent)} spent, {amount(line.unit, count.held)} held, " if local else ""
        )
        click.echo(f"limit    {spent}of {amount(line.unit, line.limit)} per {line.budget.per}")


def _scopes(given: Mapping[str, Any]) -> Scopes:
    named = {"models": "models", "policies": "policies", "tags": "allowed_tags"}
    named |= {"lanes": "lanes", "dialects": "dialects"}
    return Scopes(**{field: frozenset(given[name]) for field, name in named.items() if given[name]})


def _told(key: Key, *, made: str) -> dict[str, str | None]:
    scopes = {field.name: getattr(key.scopes, field.name) for field in fields(Scopes)}
    return {
        "name": key.name,
        "secret": f"{key.hint}…" if key.hint else f"(of the {made})" if made else None,
        "role": key.role,
        "team": key.team,
        "user": key.user,
        "tags": ", ".join(key.tags),
        "parent": key.parent,
        "limits": _limits_told(key.limits),
        "scopes": "; ".join(f"{name}: {', '.join(sorted(s))}" for name, s in scopes.items() if s is not None),
        "state": _state(key, datetime.now(UTC)),
    }


def _limits_told(limits: Sequence[Any]) -> str:
    return ", ".join(
        f"{amount(unit, value)} per {budget.per}" for budget in limits for unit, value in budget.limits
    )


def _state(key: Key, now: datetime) -> str:
    if key.revoked is not None:
        return f"revoked {key.revoked:%Y-%m-%d}"
    if key.expires is not None:
        return f"{'expired' if key.expires <= now else 'good until'} {key.expires:%Y-%m-%dT%H:%M:%SZ}"
    if key.previous is not None and key.previous_until is not None and key.previous_until > now:
        return f"good; old secret until {key.previous_until:%Y-%m-%dT%H:%M:%SZ}"
    return "good"
