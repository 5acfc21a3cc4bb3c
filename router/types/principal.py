"""Who asks, and what they may."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """What a key may be used for, by name; `None`: anything.

    `models` are those that may answer, `policies` those that may be asked for,
    `tags` those that a call may carry beside the key's own.
    """

    models: frozenset[str] | None = None
    policies: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    lanes: frozenset[str] | None = None
    dialects: frozenset[str] | None = None


EVERYTHING = Scopes()


class Role(StrEnum):
    """What the holder of a key may do.

    CALLER asks models; AUDITOR reads metrics, reports and the rules in force, and may not spend;
    ADMIN may do both.
    """

    CALLER = "caller"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, as the proxy established it: the key's name (never its secret) and the call's labels.

    `parents` are the keys that `key` was made from, the nearest first.
    """

    key: str | None = None
    team: str | None = None
    user: str | None = None
    tags: tuple[str, ...] = ()
    session: str | None = None
    run: str | None = None
    batch: str | None = None
    parents: tuple[str, ...] = ()
    role: Role = Role.CALLER
    scopes: Scopes = EVERYTHING
