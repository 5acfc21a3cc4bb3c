"""Does the reply have the form that was asked for?

Fails an empty reply, one that was cut off although the caller set no limit, JSON that does not parse or fit
its schema, calls of tools that were not declared or whose arguments do not fit, a code block left open.
Cost class: free.
Limits: `pattern` in schemas is not tested (a caller's regular expression could block everyone else),
references to other documents are never fetched, and beyond `MAX_VALIDATED` characters JSON is only parsed.
What is long is judged in a thread, so that nobody waits for it.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from evaluators.base import Check
from evaluators.fences import beginnings
from router.seams import Ask
from router.types import Choice, Reply, Request, ToolCall, Verdict

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^`\n]{0,200})$", re.MULTILINE)

MAX_VALIDATED = 64_000
"""Characters of a reply that are held against a schema, over all its parts."""

AT_ONCE = 4_000
"""Characters of JSON that are judged on the spot."""

Validator = extend(  # type: ignore[no-untyped-call] # the stubs leave it out
    Draft202012Validator, {"pattern": None, "patternProperties": None}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Check):
    """Holds a reply against the form that was asked for."""

    name = "shape"

    async def judge(self, request: Request, reply: Reply, ask: Ask, /) -> Verdict | None:  # noqa: ARG002 - the seam
        if not reply.complete:
            return None
        if not reply.choices:
            return self.failed("empty")
        if _json_in(request, reply) > AT_ONCE:
            wrong = await asyncio.to_thread(_wrong, request, reply)
        else:
            wrong = _wrong(request, reply)
        return self.passed() if wrong is None else self.failed(wrong)


def _json_in(request: Request, reply: Reply) -> int:
    """Characters of JSON that have to be looked at."""
    return sum(
        (len(choice.text) if request.answer is not None else 0)
        + sum(len(call.arguments) + len(call.name or "") for call in choice.tool_calls)
        for choice in reply.choices
    )


def _wrong(request: Request, reply: Reply) -> str | None:
    form = _Form(request)
    return next(filter(None, map(form.wrong, reply.choices)), None)


def _is_open(text: str) -> bool:
    """Tell whether a block of code has no end: what counts are the lines that can open or close one."""
    fence = ""
    for start in beginnings(text):
        found = FENCE.match(text, start)
        if found is None:
            continue
        marks, info = found[1], found[2].strip()
        if not fence:
            fence = marks
        elif marks.startswith(fence) and not info:
            fence = ""
    return fence != ""


class _Form:
    """The form one request asks for; each schema is prepared once, however many parts it is held against."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._tools = {tool.name: _validator(tool.parameters) for tool in request.tools}
        self._answer = _validator(request.answer.schema) if request.answer is not None else None
        self._left = MAX_VALIDATED

    def wrong(self, choice: Choice) -> str | None:
        if choice.tool_calls:
            return next(filter(None, map(self._wrong_call, choice.tool_calls)), None)
        if choice.refusal:
            return None  # a refusal is its own check's business
        if not choice.text.strip():
            return "empty"
        if choice.finish_reason == "length" and self._request.limits.output_tokens is None:
            return "cut off by length"
        if self._request.answer is not None:
            return self._wrong_json(choice.text, self._answer, "JSON")
        return "a code block left open" if self._left_open(choice.text) else None

    def _left_open(self, text: str) -> bool:
        # A stop sequence of the caller's may well be what ends the block.
        return "```" in text and "stop" not in self._request.body and _is_open(text)

    def _wrong_call(self, call: ToolCall) -> str | None:
        # Of a call to a tool of the upstream's own only the form can be judged.
        if self._tools and call.name not in self._tools:
            return "unknown tool"
        return self._wrong_json(call.arguments or "{}", self._tools.get(call.name or ""), "tool arguments")

    def _wrong_json(self, text: str, validator: Any, what: str) -> str | None:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return f"invalid {what}"
        if validator is None:
            return None if isinstance(value, dict) else f"invalid {what}: not an object"
        self._left -= len(text)
        if self._left < 0:
            return None
        return None if _fits(value, validator) else f"{what} against the schema"


def _validator(schema: Mapping[str, Any] | None) -> Any:
    # The empty registry keeps `$ref` from being fetched over the network.
    return Validator(schema, registry=Registry()) if schema is not None else None


def _fits(value: object, validator: Any) -> bool:
    """Tell whether `value` fits; a schema that cannot be applied condemns nothing."""
    try:
        validator.validate(value)
    except ValidationError:
        return False
    except (SchemaError, Unresolvable, RecursionError, TypeError, ValueError, AttributeError, KeyError):
        return True
    return True
