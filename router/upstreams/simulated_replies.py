"""What a simulated model says: right, visibly wrong, or wrong in a way that only the reference shows."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from router.types import Request, Tool
from router.upstreams.instances import instance
from router.upstreams.simulated_tasks import Call, Task

Dice: TypeAlias = Callable[[str], float]
"""A number in [0, 1) for each name: the same for the same seed, model, prompt, choice and name."""

SLOPE = 1.5
"""How steeply the chance of a right answer rises with ability: the discrimination of a Rasch-like model."""

UNKNOWN = 0.0
"""The difficulty of a prompt that is no task."""

REFUSAL = "I'm sorry, but I can't help with that request."
FILLER = (
    "This is a simulated answer from {name}: no language model was asked, and nothing here is knowledge. "
    "It stands where a real reply would stand, so that routing, checks and prices can be tried. "
)
PREFACE = "Let me go through this carefully before I answer. "
NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """How a simulated model behaves.

    `ability` is in logits: a task of the same difficulty is answered rightly half of the time.
    The four rates that follow are shares of the wrong answers, and the rest is wrong without a sign:
    `malformed` breaks the JSON or the tool call that was asked for, and plain text falls into a loop.
    `error_rate` is the share of all calls that fail at the upstream.
    `verbosity` is the length of prose answers relative to the reference.
    """

    ability: float = 0.0
    refusal_rate: float = 0.0
    empty_rate: float = 0.0
    cut_rate: float = 0.0
    malformed_rate: float = 0.0
    error_rate: float = 0.0
    verbosity: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One choice of a reply, before it is cut into deltas; `call` has its arguments as JSON text."""

    text: str = ""
    call: tuple[str, str] | None = None
    finish: str = "stop"


def chance(persona: Persona, task: Task | None) -> float:
    """Tell the chance of a right answer, in [0, 1]."""
    distance = SLOPE * (persona.ability - (task.difficulty if task else UNKNOWN))
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, distance))))


def script(request: Request, name: str, persona: Persona, task: Task | None, dice: Dice) -> Script:
    """Decide what the model called `name` says."""
    good = _right(request, name, persona, task)
    if dice("right") < chance(persona, task):
        return good
    point = dice("how")
    for rate, fail in (
        (persona.refusal_rate, _refusal),
        (persona.empty_rate, _empty),
        (persona.cut_rate, _cut),
        (persona.malformed_rate, _malformed),
    ):
        point -= rate
        if point < 0:
            return fail(request, good, dice)
    return _wrong(good, persona, task, dice)


def _right(request: Request, name: str, persona: Persona, task: Task | None) -> Script:
    if task:
        return _said(task.answer, persona)
    if tool := _demanded(request):
        arguments = instance(tool.parameters or {"type": "object"})
        return Script(call=(tool.name, _json(arguments)), finish="tool_calls")
    if request.answer:
        schema = request.answer.schema
        return Script(text=_json(instance(schema) if schema else {"simulated": True}))
    return Script(text=(FILLER.format(name=name) * max(1, round(persona.verbosity))).strip())


def _demanded(request: Request) -> Tool | None:
    """Find the tool that must be called; where calling is left to the model, it does so for tasks only."""
    wanted = request.body.get("tool_choice")
    if isinstance(wanted, Mapping):
        function = wanted.get("function")
        named = function.get("name") if isinstance(function, Mapping) else None
        return next((tool for tool in request.tools if tool.name == named), None)
    return request.tools[0] if wanted == "required" and request.tools else None


def _said(answer: str | Call, persona: Persona) -> Script:
    if isinstance(answer, Call):
        return Script(call=(answer.name, _json(answer.arguments)), finish="tool_calls")
    words = len(answer.split())
    if words < 20 or answer.startswith(("{", "[")):
        return Script(text=answer)
    return Script(text=PREFACE * round((persona.verbosity - 1) * words / len(PREFACE.split())) + answer)


def _refusal(_request: Request, _good: Script, _dice: Dice) -> Script:
    return Script(text=REFUSAL)


def _empty(_request: Request, _good: Script, _dice: Dice) -> Script:
    return Script()


def _cut(_request: Request, good: Script, dice: Dice) -> Script:
    """End at the token limit, as a model does that was given too little room or lost itself."""
    share = 0.3 + 0.5 * dice("where")
    if good.call:
        name, arguments = good.call
        return Script(call=(name, arguments[: int(len(arguments) * share)]), finish="length")
    return Script(text=good.text[: max(1, int(len(good.text) * share))], finish="length")


def _malformed(request: Request, good: Script, dice: Dice) -> Script:
    if good.call:
        name, arguments = good.call
        return Script(call=(name, _broken(arguments, dice)), finish="tool_calls")
    if request.answer:
        return Script(text=_broken(good.text, dice))
    phrase = " ".join(good.text.split()[:4]) or "and so on"
    return Script(text=f"{phrase} " * 40)


def _broken(text: str, dice: Dice) -> str:
    """Leave out the closing bracket, or the first field, or the object itself."""
    value = orjson.loads(text)
    if dice("break") < 0.5 or not isinstance(value, dict):
        return text[:-1]
    return _json(dict(list(value.items())[1:])) if value else "[]"


def _wrong(good: Script, persona: Persona, task: Task | None, dice: Dice) -> Script:
    """Say something plausible; what is no task has no wrong answer."""
    if task is None:
        return good
    if task.wrong:
        return _said(task.wrong[int(dice("which") * len(task.wrong))], persona)
    if isinstance(task.answer, Call):
        changed = Call(name=task.answer.name, arguments=_altered(task.answer.arguments))
        return _said(changed, persona)
    if task.answer.startswith("{"):
        return _said(_json(_altered(orjson.loads(task.answer))), persona)
    return _said(_miscounted(task.answer, dice), persona)


def _altered(value: Mapping[str, Any]) -> dict[str, Any]:
    """Change one field and keep its type: the last number, else the last yes or no, else the last text."""
    changes: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
        ((int, float), lambda old: old + 1),
        ((bool,), lambda old: not old),
        ((str,), lambda old: f"{old} (or similar)"),
    )
    for types, change in changes:
        for key in reversed(list(value)):
            if type(value[key]) in types:
                return {**value, key: change(value[key])}
    return {}


def _miscounted(text: str, dice: Dice) -> str:
    """Get the last number wrong by a little; text without one is hedged, which no reference accepts."""
    found = list(NUMBER.finditer(text))
    if not found:
        return "It depends, but most likely the opposite."
    last = found[-1]
    old = last.group()
    slip = (1, 2, 10)[int(dice("slip") * 3)]
    new = str(int(old) + slip) if old.isdigit() else f"{float(old) + slip:.{len(old.split('.')[1])}f}"
    return text[: last.start()] + new + text[last.end() :]


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
