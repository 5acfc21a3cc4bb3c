"""Does the reply have the form that was asked for?

Fails an empty reply, one that was cut off although the caller set no limit, JSON that does not parse or fit
its schema, calls of tools that were not declared or whose arguments do not fit.
Cost class: free.
Limits: `pattern` in schemas is not tested (a caller's regular expression could block everyone else),
references to other documents are never fetched, and beyond `MAX_VALIDATED` characters JSON is only parsed.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from router.seams import Ask
from router.types import Choice, Reply, Request, ToolCall, Verdict

MAX_VALIDATED = 64_000

Validator = extend(  # type: ignore[no-untyped-call] # the stubs leave it out
    Draft202012Validator, {"pattern": None, "patternProperties": None}
)


async def shape(request: Request, reply: Reply, ask: Ask, /) -> Verdict | None:  # noqa: ARG001 - the seam
    """Judge a whole reply; of a growing one only that it says something can be told."""
    if not reply.complete:
        return None
    if not reply.choices:
        return _failed("empty")
    for choice in reply.choices:
        reason = _wrong(request, choice)
        if reason is not None:
            return _failed(reason)
    return Verdict(check="shape", passed=True)


def _failed(reason: str) -> Verdict:
    return Verdict(check="shape", passed=False, reason=reason)


def _wrong(request: Request, choice: Choice) -> str | None:
    if choice.tool_calls:
        return next(filter(None, (_wrong_call(request, call) for call in choice.tool_calls)), None)
    if choice.refusal:
        return None  # a refusal is its own check's business
    if not choice.text.strip():
        return "empty"
    if choice.finish_reason == "length" and request.limits.output_tokens is None:
        return "cut off by length"
    if request.answer is not None:
        return _wrong_json(choice.text, request.answer.schema, "JSON")
    return None


def _wrong_call(request: Request, call: ToolCall) -> str | None:
    declared = {tool.name: tool for tool in request.tools}
    if not declared:
        return None
    if call.name not in declared:
        return "unknown tool"
    return _wrong_json(call.arguments or "{}", declared[call.name].parameters, "tool arguments")


def _wrong_json(text: str, schema: Mapping[str, Any] | None, what: str) -> str | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return f"invalid {what}"
    if schema is None:
        return None if isinstance(value, dict) else f"invalid {what}: not an object"
    if len(text) > MAX_VALIDATED:
        return None
    return None if _fits(value, schema) else f"{what} against the schema"


def _fits(value: object, schema: Mapping[str, Any]) -> bool:
    """Tell whether `value` fits; a schema that cannot be applied condemns nothing."""
    try:
        # The empty registry keeps `$ref` from being fetched over the network.
        Validator(schema, registry=Registry()).validate(value)
    except ValidationError:
        return False
    except (SchemaError, Unresolvable, RecursionError, TypeError, ValueError, AttributeError, KeyError):
        return True
    return True
