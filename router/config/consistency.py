"""What no single setting can know: names that must exist or differ, and doors that must be locked."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from policies.language import PolicySpec
from policies.selectors import Deny
from router.config.budgets import BudgetSettings
from router.config.fields import NAME
from router.config.keys import KeySettings
from router.config.models import ModelSettings
from router.config.policing import aliased, denials, missing, names_in_policies, unreachable
from router.config.problems import Path, Problem
from router.config.server import Server
from router.config.upstreams import UpstreamSettings
from router.seams import EvaluatorMaker
from router.types import Endpoint

T = TypeVar("T")


class Sections(Protocol):
    """The parts of a configuration that are compared."""

    @property
    def server(self) -> Server: ...
    @property
    def auth(self) -> str: ...
    @property
    def keys(self) -> Sequence[KeySettings]: ...
    @property
    def budgets(self) -> Sequence[BudgetSettings]: ...
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
    yield from _doors(config.server, config.auth)
    yield from _twice("keys", config.keys, "name", lambda key: key.name)
    yield from _twice("keys", config.keys, "secret", lambda key: key.digest)
    yield from _twice("budgets", config.budgets, "name", lambda budget: budget.name)
    yield from _names("upstreams", config.upstreams)
    yield from _twice("models", config.models, "name", lambda row: row.name)
    for index, row in enumerate(config.models):
        yield from _model(("models", index), row, config.upstreams)
    yield from _names("policies", config.policies)
    models = [row.name for row in config.models]
    for index, key in enumerate(config.keys):
        yield from _scopes(("keys", index, "scopes"), key, models, config.policies)
    for name, policy in config.policies.items():
        yield from _tier_down(("policies", name), name, policy, config.policies)
    mute = [row.name for row in config.models if row.serves and Endpoint.CHAT not in row.serves]
    yield from names_in_policies(config.policies, models, known_checks, mute)
    yield from unreachable(config.policies)
    yield from aliased(config.aliases, models, config.policies)
    yield from denials(config.deny, config.models, config.upstreams)


def _doors(server: Server, auth: str) -> Iterator[Problem]:
    if auth == "none" and not server.loopback:
        yield Problem(
            path=("server", "host"),
            message=f"{server.host!r} can be reached from other machines, but auth is 'none': "
            "write 'auth: keys' and list keys, or let the host be 127.0.0.1",
        )


def _scopes(
    path: Path, key: KeySettings, models: Collection[str], policies: Collection[str]
) -> Iterator[Problem]:
    for field, noun, known in (("models", "model", models), ("policies", "policy", policies)):
        for index, name in enumerate(getattr(key.scopes, field) or ()):
            if name not in known:
                yield missing((*path, field, index), noun, name, known)


def _model(path: Path, row: ModelSettings, upstreams: Mapping[str, UpstreamSettings]) -> Iterator[Problem]:
    upstream = upstreams.get(row.upstream)
    if upstream is None:
        yield missing((*path, "upstream"), "upstream", row.upstream, upstreams)
    elif row.simulated and upstream.kind != "simulated":
        message = f"only fits an upstream of kind 'simulated'; {row.upstream!r} is {upstream.kind!r}"
        yield Problem(path=(*path, "simulated"), message=message)
    elif upstream.kind == "hosted" and row.serves and row.serves != {Endpoint.CHAT}:
        message = f"only fits upstreams that speak the OpenAI wire; {row.upstream!r} serves chat alone"
        yield Problem(path=(*path, "serves"), message=message)


def _tier_down(
    path: Path, name: str, policy: PolicySpec, policies: Mapping[str, PolicySpec]
) -> Iterator[Problem]:
    told = policy.tier_down
    if told is not None and told.policy not in policies:
        yield missing((*path, "tier_down", "policy"), "policy", told.policy, policies)
    elif told is not None and told.policy == name:
        yield Problem(path=(*path, "tier_down", "policy"), message="is the policy itself: name a cheaper one")


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
