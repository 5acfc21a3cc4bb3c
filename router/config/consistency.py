"""What no single setting can know: names that must exist or differ, and doors that must be locked."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from policies.language import PolicySpec
from router.config.checks import wrong_checks
from router.config.fields import NAME, suggestion
from router.config.models import ModelSettings
from router.config.problems import Path, Problem
from router.config.server import Key, Server
from router.config.upstreams import UpstreamSettings
from router.seams import EvaluatorMaker

T = TypeVar("T")


def contradictions(
    *,
    server: Server,
    auth: str,
    keys: Sequence[Key],
    upstreams: Mapping[str, UpstreamSettings],
    models: Sequence[ModelSettings],
    policies: Mapping[str, PolicySpec],
    known_checks: Mapping[str, EvaluatorMaker] | None,
) -> Iterator[Problem]:
    """Find everything that sections say against each other."""
    yield from _doors(server, auth, keys)
    yield from _twice("keys", keys, "name", lambda key: key.name)
    yield from _twice("keys", keys, "secret", lambda key: key.digest)
    yield from _names("upstreams", upstreams)
    yield from _twice("models", models, "name", lambda row: row.name)
    for index, row in enumerate(models):
        yield from _model(("models", index), row, upstreams)
    yield from _names("policies", policies)
    for name, policy in policies.items():
        yield from _policy(("policies", name), policy, [row.name for row in models], known_checks)


def _doors(server: Server, auth: str, keys: Sequence[Key]) -> Iterator[Problem]:
    if auth == "none" and not server.loopback:
        yield Problem(
            path=("server", "host"),
            message=f"{server.host!r} can be reached from other machines, but auth is 'none': "
            "write 'auth: keys' and list keys, or let the host be 127.0.0.1",
        )
    if auth == "keys" and not keys:
        yield Problem(path=("auth",), message="is 'keys', but no 'keys' are listed, so nobody could call")


def _model(path: Path, row: ModelSettings, upstreams: Mapping[str, UpstreamSettings]) -> Iterator[Problem]:
    upstream = upstreams.get(row.upstream)
    if upstream is None:
        yield _missing((*path, "upstream"), "upstream", row.upstream, upstreams)
    elif row.simulated and upstream.kind != "simulated":
        message = f"only fits an upstream of kind 'simulated'; {row.upstream!r} is {upstream.kind!r}"
        yield Problem(path=(*path, "simulated"), message=message)


def _policy(
    path: Path,
    policy: PolicySpec,
    models: Collection[str],
    known_checks: Mapping[str, EvaluatorMaker] | None,
) -> Iterator[Problem]:
    for index, name in enumerate(policy.models or ()):
        if name not in models:
            yield _missing((*path, "models", index), "model", name, models)
    if policy.models == ():
        yield Problem(path=(*path, "models"), message="is empty: leave it out to allow every model")
    if policy.baseline is not None and policy.baseline not in models:
        yield _missing((*path, "baseline"), "model", policy.baseline, models)
    if known_checks is not None:
        yield from wrong_checks((*path, "checks"), policy.checks, known_checks, models)


def _missing(path: Path, noun: str, name: str, known: Iterable[str]) -> Problem:
    return Problem(path=path, message=f"there is no {noun} {name!r}{suggestion(name, known)}")


def _names(section: str, names: Iterable[str]) -> Iterator[Problem]:
    for name in names:
        if not NAME.fullmatch(name):
            message = f"{name!r} is no name: write letters, digits, '.', '_' and '-'"
            yield Problem(path=(section, name), message=message, on_key=True)


def _twice(section: str, rows: Iterable[T], field: str, of: Callable[[T], str]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, row in enumerate(rows):
        earlier = first.setdefault(of(row), index)
        if earlier != index:
            yield Problem(path=(section, index, field), message=f"is the {field} of {section}[{earlier}] too")
