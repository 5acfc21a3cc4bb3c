"""The normal form of an answer: what two answers have in common when they say the same.

Only answers with a point have one: a number, a choice, an object, a few words.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from router.types import Reply

TAIL = 2_000
"""Characters from the end in which the point is looked for: reasoning comes first."""

SHORT = 60
"""Characters of an answer that is nothing but its point."""

LONGEST_JSON = 20_000

BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]{0,200}\}){1,200})\}")

SAID = re.compile(
    r"(?:final\s+answer|correct\s+(?:answer|option|choice)|best\s+(?:answer|option)|answer|antwort|r[ée]ponse|respuesta)"
    r"[^\w-]{0,6}(?:is|:|ist|est|es|=|should\s+be)?[^\w-]{0,4}(?:option\s+|choice\s+)?[^\w-]{0,3}"
    r"([A-Za-z0-9$\u20ac\u00a3.,/%+-][^\n]{0,80})",
    re.IGNORECASE,
)

FIELD = re.compile(
    r'"(?:final_?)?(?:answer|output|result|label|choice)"\s*:\s*("(?:[^"\\]|\\.){0,200}"|-?[\w.,%/]{1,40})',
    re.IGNORECASE,
)

CHOICE = re.compile(r"[-(\s]{0,3}\*{0,2}([A-J])\*{0,2}(?:[).:,]|\s*$|\*|\s+[-\u2013(])")

NUMBER = re.compile(r"-?[$\u20ac\u00a3]?\s?\d[\d,]{0,15}(?:\.\d{1,10})?")


def normal_form(text: str) -> str | None:
    """Give what an answer comes to, written in one way; `None` if it has no point that can be compared."""
    stripped = text.strip()
    if not stripped:
        return None
    for found in (_object(stripped), _pointed(stripped[-TAIL:])):
        if found is not None:
            return found
    if len(stripped) <= SHORT:
        return _point(stripped)
    return None


def _object(text: str) -> str | None:
    """The answer field of JSON if it has one, else the JSON itself."""
    found = list(FIELD.finditer(text[-TAIL:]))
    if found:
        return _point(found[-1][1].strip('"'))
    if len(text) > LONGEST_JSON:
        return None
    bare = re.sub(r"^```\w*\s*|\s*```$", "", text)
    if bare[:1] not in {"{", "["}:
        return None
    try:
        value: Any = json.loads(bare, parse_float=Decimal, parse_int=Decimal)
        return json.dumps(value, sort_keys=True, default=_plain, ensure_ascii=False)
    except (ValueError, RecursionError, TypeError):
        return None


def _plain(value: Any) -> str:
    return _number(str(value)) or str(value)


def _pointed(tail: str) -> str | None:
    """What stands in a box, or after "the answer is"; the last one counts."""
    boxed = list(BOXED.finditer(tail))
    if boxed:
        return _point(boxed[-1][1])
    said = list(SAID.finditer(tail))
    return _point(said[-1][1]) if said else None


def _point(text: str) -> str | None:
    """Write a choice, a number or a few words in one way."""
    bare = text.strip().strip("*$\"'`").strip()
    choice = CHOICE.match(bare)
    if choice:
        return choice[1]
    number = NUMBER.match(bare)
    if number:
        return _number(number[0])
    words = re.sub(r"[^\w\s]", " ", re.split(r"[.\n]", bare, maxsplit=1)[0].lower())
    return " ".join(word for word in words.split() if word not in {"a", "an", "the"})[:SHORT] or None


def _number(text: str) -> str | None:
    digits = re.sub(r"[,$\u20ac\u00a3\s]", "", text)
    try:
        value = Decimal(digits).normalize()
    except InvalidOperation:
        return None
    return format(value, "f") if value.is_finite() and abs(value.adjusted()) < 40 else None


def same_answer(one: Reply, other: Reply) -> bool | None:
    """Tell whether two replies come to the same; `None` if that cannot be told of them."""
    if _calls(one) or _calls(other):
        return _calls(one) == _calls(other) or None
    if one.text.strip() == other.text.strip():
        return True
    if not one.text.strip() or not other.text.strip():
        return False
    first, second = normal_form(one.text), normal_form(other.text)
    return None if first is None or second is None else first == second


def _calls(reply: Reply) -> list[tuple[str | None, str]]:
    return [(call.name, call.arguments) for choice in reply.choices for call in choice.tool_calls]
