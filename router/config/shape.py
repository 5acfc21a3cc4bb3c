"""Does a file have the shape of the settings? Told from the JSON Schema, in words for people.

pydantic alone would let `port: true` pass as 1, and name the alternatives of a union one by one.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from router.config.fields import nearest, suggestion
from router.config.problems import Path, Problem
from router.config.references import FromEnvironment, Unknown

Schema: TypeAlias = Mapping[str, Any]

WORDS: Mapping[str, str] = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping ('name: value')",
    "string": "text",
}

READS_AS: Mapping[str, re.Pattern[str]] = {
    "integer": re.compile(r"[-+]?[0-9]{1,18}"),
    "number": re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?"),
    "boolean": re.compile(r"true|false|yes|no|on|off|1|0", re.IGNORECASE),
}
"""What a variable of the environment may hold where no text is wanted."""


SHOWN = 40
"""Letters of a wrong value that are repeated."""


def misfits(value: Any, schema: Schema, root: Schema, path: Path = ()) -> Iterator[Problem]:
    """Find what has the wrong kind, what is unknown and what is missing."""
    branches = alternatives(schema, root)
    if isinstance(value, Unknown):
        return
    if "discriminator" in schema:
        yield from _of_kind(value, schema, root, path)
        return
    branch = next((each for each in branches if _fits(value, each)), None)
    if branch is None:
        yield Problem(path=path, message=_mismatch(value, branches))
    elif isinstance(value, dict):
        yield from _mapping(value, branch, root, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from misfits(item, branch.get("items", {}), root, (*path, index))


def alternatives(schema: Schema, root: Schema) -> list[Schema]:
    """Give what a schema allows, references followed."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return [branch for each in schema["anyOf"] for branch in alternatives(each, root)]
    return [schema]


def _of_kind(value: Any, schema: Schema, root: Schema, path: Path) -> Iterator[Problem]:
    name, known = schema["discriminator"]["propertyName"], schema["discriminator"]["mapping"]
    listed = ", ".join(sorted(known))
    if not isinstance(value, dict):
        yield Problem(path=path, message=_mismatch(value, [{"type": "object"}]))
    elif name not in value:
        yield Problem(path=(*path, name), message=f"{name!r} is missing: one of {listed}")
        for each in value:
            if nearest(each, [name]):
                message = f"there is no setting {each!r}{nearest(each, [name])}"
                yield Problem(path=(*path, each), message=message, on_key=True)
    elif not isinstance(value[name], str) or value[name] not in known:
        message = f"expected one of {listed}; found {_found(value[name])}"
        yield Problem(path=(*path, name), message=message)
    else:
        yield from misfits(value, {"$ref": known[value[name]]}, root, path)


def _mapping(value: Mapping[str, Any], schema: Schema, root: Schema, path: Path) -> Iterator[Problem]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for name, each in value.items():
        if name in known:
            yield from misfits(each, known[name], root, (*path, name))
        elif others is False:
            message = f"there is no setting {name!r}{suggestion(name, known)}"
            yield Problem(path=(*path, name), message=message, on_key=True)
        else:
            yield from misfits(each, others, root, (*path, name))
    for name in schema.get("required", ()):
        if name not in value:
            says = known[name].get("description", "")
            yield Problem(path=(*path, name), message=f"{name!r} is missing. {says}".rstrip(". ") + ".")


def _fits(value: Any, schema: Schema) -> bool:
    kind = schema.get("type")
    if kind is None:
        return True
    if isinstance(value, FromEnvironment) and kind in READS_AS:
        return READS_AS[kind].fullmatch(value) is not None
    choices = _choices(schema)
    return _is(value, kind) and (not choices or value in choices)


def _is(value: Any, kind: str) -> bool:
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return {
        "integer": number and value == int(value),
        "number": number,
        "boolean": isinstance(value, bool),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
        "string": isinstance(value, str),
        "null": value is None,
    }[kind]


def _choices(schema: Schema) -> list[Any]:
    return [schema["const"]] if "const" in schema else schema.get("enum", [])


def _mismatch(value: Any, branches: list[Schema]) -> str:
    wanted = [each for each in branches if each.get("type") != "null"]
    words = list(dict.fromkeys(_words(each) for each in wanted))
    secret = any(each.get("writeOnly") for each in wanted)
    text_only = {each.get("type") for each in wanted} == {"string"}
    message = f"expected {' or '.join(words)}; found {'something else' if secret else _found(value)}"
    choices = [str(choice) for each in wanted for choice in _choices(each)]
    if text_only and not choices and isinstance(value, bool | int | Decimal):
        return f"{message} (put it in quotes)"
    if choices and isinstance(value, str) and not isinstance(value, FromEnvironment):
        return message + nearest(value, choices)
    return message


def _words(schema: Schema) -> str:
    choices = [str(choice) for choice in _choices(schema)]
    if len(choices) > 1:
        return f"one of {', '.join(choices)}"
    return repr(choices[0]) if choices else WORDS[schema["type"]]


def _found(value: Any) -> str:
    """Name a value; never what came out of the environment."""
    if isinstance(value, FromEnvironment):
        return "something else in the environment"
    if isinstance(value, bool) or value is None:
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= SHOWN else "a long text"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return str(value)
