"""The `keys` section: who may call, and for what."""

import hashlib
import re
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr, model_validator

from router.budget import BudgetScope
from router.config.budgets import Limit
from router.config.fields import Settings
from router.keys import Key
from router.types import Lane, Role, Scopes

SHORTEST_SECRET = 16


def _secret(value: SecretStr) -> SecretStr:
    plain = value.get_secret_value()
    if len(plain) < SHORTEST_SECRET:
        raise ValueError(f"is shorter than {SHORTEST_SECRET} characters, so it could be guessed")
    if not re.fullmatch(r"[\x21-\x7e]+", plain):
        raise ValueError("has a space, a line break or a letter that no HTTP header can carry")
    return value


Secret = Annotated[SecretStr, AfterValidator(_secret)]
"""A key of at least 16 characters that an HTTP header can carry."""


def _digest(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value.get_secret_value()):
        raise ValueError("must be the 64 hexadecimal digits of a SHA-256")
    return SecretStr(value.get_secret_value().lower())


class ScopeSettings(Settings):
    """What a key may be used for; what is left out is not limited."""

    models: Annotated[
        tuple[str, ...] | None, Field(description="Models that may answer; no other is asked.")
    ] = None
    policies: Annotated[
        tuple[str, ...] | None,
        Field(description="Policies that may be asked for; without `models`, no model may be named then."),
    ] = None
    tags: Annotated[
        tuple[str, ...] | None, Field(description="Tags that its calls may carry beside its own.")
    ] = None
    lanes: Annotated[tuple[Lane, ...] | None, Field(description="How soon its answers may be wanted.")] = None
    dialects: Annotated[
        tuple[str, ...] | None, Field(description="Which dialects it may speak, such as `chat`.")
    ] = None

    def scopes(self) -> Scopes:
        """Give them as they are asked."""
        return Scopes(
            **{name: frozenset(names) for name, names in self.model_dump(exclude_none=True).items()}
        )


class KeySettings(Settings):
    """One caller, known by a secret or by its SHA-256."""

    name: Annotated[str, Field(min_length=1, max_length=200, description="What the ledger calls it.")]
    secret: Annotated[
        Annotated[SecretStr, AfterValidator(_secret)] | None,
        Field(description="What the caller sends, at least 16 characters; best as `${NAME}`."),
    ] = None
    sha256: Annotated[
        Annotated[SecretStr, AfterValidator(_digest)] | None,
        Field(description="Instead of `secret`: its SHA-256, in hexadecimal digits."),
    ] = None
    team: Annotated[str | None, Field(min_length=1, description="Whom it is booked to.")] = None
    user: Annotated[str | None, Field(min_length=1, description="Who it is.")] = None
    tags: Annotated[tuple[str, ...], Field(description="Labels that all its calls carry.")] = ()
    role: Annotated[
        Role,
        Field(
            description="`caller` asks models; `auditor` reads metrics, reports and rules and may not spend; "
            "`admin` may do both."
        ),
    ] = Role.CALLER
    expires: Annotated[
        AwareDatetime | None, Field(description="From when on it is good no more: `2027-01-31T00:00:00Z`.")
    ] = None
    scopes: Annotated[ScopeSettings, Field(description="What it may be used for.")] = ScopeSettings()
    limits: Annotated[
        tuple[Limit, ...], Field(description="What it, and the keys made from it, may spend.")
    ] = ()

    @model_validator(mode="after")
    def _one(self) -> "KeySettings":
        if (self.secret is None) == (self.sha256 is None):
            raise ValueError("needs either a 'secret' or its 'sha256'")
        if any(limit.per is None for limit in self.limits):
            raise ValueError("has a limit without 'per': minute, hour, day, week, month or total")
        return self

    @property
    def digest(self) -> str:
        """The SHA-256 of the secret, in lower-case hexadecimal digits."""
        if self.secret is not None:
            return hashlib.sha256(self.secret.get_secret_value().encode()).hexdigest()
        assert self.sha256 is not None, "a key has one of the two"
        return self.sha256.get_secret_value()

    def key(self) -> Key:
        """Give the key as it is looked for."""
        return Key(
            name=self.name,
            digest=self.digest,
            role=self.role,
            team=self.team,
            user=self.user,
            tags=self.tags,
            scopes=self.scopes.scopes(),
            limits=tuple(limit.budget(f"key {self.name}", BudgetScope.KEY) for limit in self.limits),
            expires=self.expires,
        )
