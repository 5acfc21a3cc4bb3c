"""One key: a name, the digest of a secret, and what may be done with it."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from router.budget import Budget
from router.types import EVERYTHING, Role, Scopes

PREFIX = "fk-"
"""What every secret of ours begins with, so that scanners of code can find one that leaked."""

SHOWN = 8
"""Letters of a secret that lists show: the prefix, and five of 43 that carry 256 bits."""


def new_secret() -> str:
    """Make a secret nobody can guess: 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """The SHA-256 of a secret. A random secret needs no salt and no slow hash: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is kept: never with its secret.

    `hint` is the secret's beginning. `parent` is the key it was made from, which it can only narrow.
    After a rotation the old secret, `previous`, is good until `previous_until`.
    Instants are in UTC; `None`: never.
    """

    name: str
    digest: str
    hint: str = ""
    role: Role = Role.CALLER
    team: str | None = None
    user: str | None = None
    tags: tuple[str, ...] = ()
    scopes: Scopes = EVERYTHING
    limits: tuple[Budget, ...] = ()
    parent: str | None = None
    created: datetime | None = None
    expires: datetime | None = None
    revoked: datetime | None = None
    previous: str | None = None
    previous_until: datetime | None = None
