"""What the settings are made of: the base of every section, and the kinds of scalar that need a check."""

import re
from collections.abc import Iterable
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, WithJsonSchema

TOKEN_DIGITS = 6
"""Decimals of a price per million tokens, and CALL_DIGITS those of a price per call: one is a picodollar."""

CALL_DIGITS = 12

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Names of upstreams and policies: what needs no quotes in a URL, a header or a report."""


class Settings(BaseModel):
    """A section: what it does not name is an error, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def nearest(wrong: str, known: Iterable[str]) -> str:
    """Ask whether the likeliest of `known` was meant; an empty text if none is like it."""
    close = get_close_matches(wrong, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Ask whether the likeliest of `known` was meant, or else say what there is."""
    names = sorted(known)
    return nearest(wrong, names) or (f"; known here: {', '.join(names)}" if names else "")


def exact(value: Decimal, digits: int) -> int:
    """Give `value` times ten to the `digits` as an integer; raise `ValueError` if it is none."""
    scaled = Fraction(value) * 10**digits
    if scaled.denominator != 1:
        raise ValueError(f"is finer than a picodollar: at most {digits} decimals")
    return int(scaled)


def _per_token(value: Decimal) -> Decimal:
    exact(value, TOKEN_DIGITS)
    return value


def _per_call(value: Decimal) -> Decimal:
    exact(value, CALL_DIGITS)
    return value


def _sendable(value: SecretStr) -> SecretStr:
    plain = value.get_secret_value()
    if plain != plain.strip() or not re.fullmatch(r"[\x20-\x7e]*", plain):
        raise ValueError("has a line break, a space at its end or a letter that no HTTP header can carry")
    return value


def _filled(value: SecretStr | None) -> SecretStr | None:
    return value if value and value.get_secret_value() else None


def _base_url(value: str) -> str:
    try:
        url = urlsplit(value)
        url.port  # noqa: B018 - reading it is the check
    except ValueError:
        raise ValueError("is not a URL") from None
    if url.scheme not in {"http", "https"} or not url.hostname or re.search(r"\s", value):
        raise ValueError("must be a URL such as http://127.0.0.1:11434/v1")
    if url.username is not None or url.password is not None:
        raise ValueError("must carry no credentials: they go into 'api_key' or 'headers'")
    if url.query or url.fragment:
        raise ValueError("must end with its path: no '?' and no '#'")
    if url.path.rstrip("/").endswith(("/completions", "/embeddings", "/responses")):
        raise ValueError("must end before the route, as in http://127.0.0.1:11434/v1")
    return value


def _proxy_url(value: SecretStr) -> SecretStr:
    plain = value.get_secret_value()
    if not plain:
        return value
    try:
        url = urlsplit(plain)
        url.port  # noqa: B018 - reading it is the check
    except ValueError:
        raise ValueError("is not a URL") from None
    if url.scheme not in {"http", "https"} or not url.hostname or re.search(r"\s", plain):
        raise ValueError("must be a URL such as http://proxy.example:3128")
    return value


_NUMBER = WithJsonSchema({"type": "number", "minimum": 0})

TokenPrice: TypeAlias = Annotated[Decimal, Field(ge=0, le=1_000_000), AfterValidator(_per_token), _NUMBER]
"""USD per million tokens, as it was written: an exact decimal."""

CallPrice: TypeAlias = Annotated[Decimal, Field(ge=0, le=1_000_000), AfterValidator(_per_call), _NUMBER]
"""USD per call."""

HeaderValue: TypeAlias = Annotated[SecretStr, AfterValidator(_sendable)]

ApiKey: TypeAlias = Annotated[HeaderValue | None, AfterValidator(_filled)]
"""A key for an upstream; empty means none, so that `${KEY:-}` may be left unset."""

BaseUrl: TypeAlias = Annotated[str, AfterValidator(_base_url)]

ProxyUrl: TypeAlias = Annotated[
    Annotated[SecretStr, AfterValidator(_proxy_url)] | None, AfterValidator(_filled)
]
"""May carry credentials, so it is a secret; empty means none."""

Seconds: TypeAlias = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]

Rate: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
