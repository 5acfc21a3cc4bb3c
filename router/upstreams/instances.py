"""A small value that fits a JSON Schema: what a simulated model answers when a form is asked for."""

import math
from collections.abc import Mapping
from typing import Any

from router.types import NOTHING

WORD = "simulated"

FORMATS: Mapping[str, str] = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.org",
    "uri": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.org",
}


def instance(
    schema: Mapping[str, Any] | bool, *, root: Mapping[str, Any] | None = None, depth: int = 0
) -> Any:
    """Make a value that fits `schema`, for the keywords that structured outputs allow.

    Properties that are not required are left out, so that recursive schemas end.
    `pattern`, `not` and conditions are not looked at.
    """
    if isinstance(schema, bool) or depth > 32:
        return None
    root = schema if root is None else root
    schema = _flat(schema, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    return _of_type(_type(schema), schema, root, depth)


def _flat(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references within the document and take the first alternative."""
    for _ in range(32):
        if "$ref" in schema:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**_resolved(str(schema["$ref"]), root), **rest}
        elif one := next((word for word in ("anyOf", "oneOf") if schema.get(word)), None):
            rest = {key: value for key, value in schema.items() if key != one}
            schema = _merged(rest, _simplest(schema[one]))
        elif schema.get("allOf"):
            parts = schema["allOf"]
            schema = {key: value for key, value in schema.items() if key != "allOf"}
            for part in parts:
                schema = _merged(schema, _flat(part, root))
        else:
            break
    return schema


def _simplest(alternatives: list[Any]) -> Mapping[str, Any]:
    """Prefer an alternative without a reference: it cannot lead back here."""
    plain = [part for part in alternatives if isinstance(part, dict) and "$ref" not in part]
    first = (plain or alternatives)[0]
    return first if isinstance(first, dict) else NOTHING


def _resolved(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    place: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            place = (
                place.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(place, dict) else {}
            )
    return place if isinstance(place, dict) else NOTHING


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        **one,
        **other,
        "properties": {**one.get("properties", {}), **other.get("properties", {})},
        "required": [*one.get("required", ()), *other.get("required", ())],
    }


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "array" if "items" in schema else "object"


def _of_type(kind: str, schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    match kind:
        case "object":
            known = schema.get("properties", {})
            return {
                name: instance(known.get(name, {"type": "string"}), root=root, depth=depth + 1)
                for name in dict.fromkeys(schema.get("required", ()))
            }
        case "array":
            items = schema.get("items", {"type": "string"})
            return [instance(items, root=root, depth=depth + 1)] * int(schema.get("minItems", 0))
        case "string":
            return _string(schema)
        case "integer" | "number":
            return _number(schema, whole=kind == "integer")
        case "boolean":
            return True
        case _:
            return None


def _string(schema: Mapping[str, Any]) -> str:
    text = FORMATS.get(schema.get("format", ""), WORD)
    text = text.ljust(int(schema.get("minLength", 0)), ".")
    return text[: int(schema["maxLength"])] if "maxLength" in schema else text


def _number(schema: Mapping[str, Any], *, whole: bool) -> float | int:
    step = schema.get("multipleOf", 1 if whole else None)
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
    if low <= 1 <= high and above < 1 < below and step in {None, 1}:
        return 1
    if step is None:
        return _between(max(low, above), min(high, below))
    count = (
        math.ceil(max(low, above) / step)
        if max(low, above) > -math.inf
        else math.floor(min(high, below) / step)
    )
    if count * step <= above:
        count += 1
    if count * step >= below:
        count -= 1
    value = count * step
    return int(value) if whole else value


def _between(low: float, high: float) -> float:
    """Keep off both ends, in case they are excluded."""
    if low == -math.inf:
        return high - 1
    return low + 1 if high == math.inf else (low + high) / 2
