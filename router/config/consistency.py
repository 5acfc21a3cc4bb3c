"""What no single setting can know: names that must exist or differ, and doors that must be locked."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from policies.language import PolicySpec
from policies.selectors import Deny
from router.config.fields import NAME
from router.config.models import ModelSettings
from router.config.policing import aliased, denials, missing, names_in_policies, unreachable
from router.config.problems import Path, Problem
from router.config.server import Key, Server
from router.config.upstreams import UpstreamSettings
from router.seams import EvaluatorMaker

T = TypeVar("T")


class Sections(Protocol):
    """The parts of a configuration that are compared."""

    @property
    def server(self) -> Server: ...
    @property
    def auth(self) -> str: ...
    @property
    def keys(self) -> Sequence[Key]: ...
    @property
    def upstreams(self) -> Mapping[str, UpstreamSettings]: ...
    @property
    def models(self) -> Sequence[ModelSettings]: ...
    @property
    def policies(self) -> Mapping[str, PolicySpec]: ...
    @property
    def aliases(self) -> Mapping[str, str]: ...
    @property
    def deny(self) -> Deny: ...


def contradictions(
    config: Sections, *, known_checks: Mapping[str, EvaluatorMaker] | None
) -> Iterator[Problem]:
    """Find everything that sections say against each other."""
    yield from _doors(config.server, config.auth, config.keys)
    yield from _twice("keys", config.keys, "name", lambda key: key.name)
    yield from _twice("keys", config.keys, "secret", lambda key: key.digest)
    yield from _names("upstreams", config.upstreams)
    yield from _twice("models", config.models, "name", lambda row: row.name)
    for index, row in enumerate(config.models):
        yield from _model(("models", index), row, config.upstreams)
    yield from _names("policies", config.policies)
    models = [row.name for row in config.models]
    yield from names_in_policies(config.policies, models, known_checks)
    yield from unreachable(config.policies)
    yield from aliased(config.aliases, models, config.policies)
    yield from denials(config.deny, config.models, config.upstreams)


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
        yield missing((*path, "upstream"), "upstream", row.upstream, upstreams)
    elif row.simulated and upstream.kind != "simulated":
        message = f"only fits an upstream of kind 'simulated'; {row.upstream!r} is {upstream.kind!r}"
        yield Problem(path=(*path, "simulated"), message=message)


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
