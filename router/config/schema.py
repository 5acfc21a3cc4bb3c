"""The settings as JSON Schema: what editors complete from, and what the documents list."""

from typing import Any

from router.config.settings import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_FORMS = ("pattern", "enum", "minLength", "format")
"""What a text with a reference in it need not fit: it is looked at when the variable is known."""


def schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a configuration file.

    Wherever a scalar stands, a text with a `${NAME}` in it may stand too.
    """
    plain = Config.model_json_schema()
    definitions = {name: _open(each) for name, each in plain.pop("$defs").items()}
    definitions["Reference"] = {
        "description": "A text with a variable of the environment in it: ${NAME} or ${NAME:-default}.",
        "type": "string",
        "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^{}]*)?\}",
    }
    return {"$schema": DIALECT, **_open(plain), "title": "Farthing", "$defs": definitions}


def _open(part: Any) -> Any:
    """Let a reference stand for every scalar but `kind`, which must be plain; any text may be one anyway."""
    if isinstance(part, list):
        return [_open(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "anyOf" in part:
        return {**part, "anyOf": [*part["anyOf"], {"$ref": "#/$defs/Reference"}]}
    if part.get("type") in {"integer", "number", "boolean"} or (
        part.get("type") == "string" and any(form in part for form in _FORMS)
    ):
        told = {key: part[key] for key in ("title", "description", "default") if key in part}
        rest = {key: value for key, value in part.items() if key not in told}
        return {**told, "anyOf": [rest, {"$ref": "#/$defs/Reference"}]}
    return {key: _open(value) for key, value in part.items()}
