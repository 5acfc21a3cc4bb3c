"""The `server` and `keys` sections: where the proxy listens, and who may call."""

import hashlib
import re
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from router.config.fields import Seconds, Settings

SHORTEST_SECRET = 16


def _secret(value: SecretStr) -> SecretStr:
    plain = value.get_secret_value()
    if len(plain) < SHORTEST_SECRET:
        raise ValueError(f"is shorter than {SHORTEST_SECRET} characters, so it could be guessed")
    if not re.fullmatch(r"[\x21-\x7e]+", plain):
        raise ValueError("has a space, a line break or a letter that no HTTP header can carry")
    return value


def _digest(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value.get_secret_value()):
        raise ValueError("must be the 64 hexadecimal digits of a SHA-256")
    return SecretStr(value.get_secret_value().lower())


class Server(Settings):
    """Where the proxy listens, and how much it takes."""

    host: Annotated[
        str,
        Field(
            min_length=1, pattern=r"^[^\s/\[\]]+$", description="The address it listens on. Needs a restart."
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="0 takes any free port. Needs a restart.")] = 9600
    workers: Annotated[int, Field(ge=1, le=256, description="Processes. Needs a restart.")] = 1
    max_body_mb: Annotated[
        int,
        Field(ge=1, le=4096, description="A request above these megabytes is refused. Needs a restart."),
    ] = 100
    keepalive_seconds: Annotated[
        Seconds, Field(description="A caller who waits for a stream gets a comment this often.")
    ] = 15.0
    shutdown_seconds: Annotated[
        float,
        Field(ge=0, le=86_400, description="How long a stop waits for what is under way. Needs a restart."),
    ] = 30.0
    dashboard: Annotated[
        bool | Literal["auto"],
        Field(description="Whether the page is served; `auto`: only on a loopback address. Needs a restart."),
    ] = "auto"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Key(Settings):
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

    @model_validator(mode="after")
    def _one(self) -> "Key":
        if (self.secret is None) == (self.sha256 is None):
            raise ValueError("needs either a 'secret' or its 'sha256'")
        return self

    @property
    def digest(self) -> str:
        """The SHA-256 of the secret, in lower-case hexadecimal digits."""
        if self.secret is not None:
            return hashlib.sha256(self.secret.get_secret_value().encode()).hexdigest()
        assert self.sha256 is not None, "a key has one of the two"
        return self.sha256.get_secret_value()
