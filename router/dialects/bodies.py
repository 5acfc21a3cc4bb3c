"""Reading fields out of a caller's JSON, each wrong one a `BadRequest` that names it."""

from collections.abc import Mapping
from typing import Any

import orjson

from router.errors import BadRequest
from router.types import NOTHING

MANY = 250
"""Brackets without which nothing can be nested too deep; most bodies have fewer, and are not looked at."""


def too_deep(raw: bytes, value: object) -> bool:
    """Tell whether `value`, read from `raw`, is nested deeper than it can be written again.

    orjson reads 1,024 levels and writes 254, and some are put around a body on its way.
    """
    if raw.count(b"[") + raw.count(b"{") <= MANY:
        return False
    try:
        orjson.dumps([[[[value]]]])
    except orjson.JSONEncodeError:
        return True
    return False


def object_of(body: bytes) -> dict[str, Any]:
    """Parse a body that must be one JSON object."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.")
    if too_deep(body, value):
        raise BadRequest("The body is nested too deep.")
    return value


def string(wire: Mapping[str, Any], field: str) -> str:
    value = wire.get(field)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"`{field}` must be a string.", param=field)
    return value


def flag(wire: Mapping[str, Any], field: str) -> bool:
    value = wire.get(field)
    if value is not None and not isinstance(value, bool):
        raise BadRequest(f"`{field}` must be true or false.", param=field)
    return bool(value)


def integer(wire: Mapping[str, Any], field: str, *, least: int, most: int = 1 << 40) -> int | None:
    value = wire.get(field)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadRequest(f"`{field}` must be a whole number from {least} to {most}.", param=field)
    return value


def mapping(wire: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = wire.get(field)
    if value is None:
        return NOTHING
    if not isinstance(value, dict):
        raise BadRequest(f"`{field}` must be an object.", param=field)
    return value


def optional_list(wire: Mapping[str, Any], field: str) -> list[Any]:
    value = wire.get(field)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRequest(f"`{field}` must be a list.", param=field)
    return value
