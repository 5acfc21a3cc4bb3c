"""Asking the same model again, differently: changes in a copy of the caller's body, never stored."""

from dataclasses import replace
from typing import Any

import orjson

from router.types import Amendment, Model, Reply, Request, Rescue, Thinking, Turn

COMPLAINT = (
    "Your last answer cannot be used: {complaint}. "
    "Answer the same request again, completely and correctly, and say nothing about this correction."
)

MOST_OF_A_DRAFT = 20_000
"""Characters of a rejected answer that are shown to the model: it need not read megabytes of nonsense."""


BACKGROUND = 10
"""The `priority` of work that can wait, where an engine goes by it: the lower first, 0 being its default."""


def yielding(request: Request) -> Request:
    """Give what is sent to an engine that schedules by priority, so that others go first."""
    return replace(request, body={"priority": BACKGROUND, **request.body})


def amended(request: Request, model: Model, amendment: Amendment) -> Request:
    """Give what is sent to the upstream: `request` itself if nothing is to be changed."""
    if amendment.rescue is None and not amendment.logprobs:
        return request
    body, turns = dict(request.body), request.turns
    if amendment.logprobs:
        body["logprobs"] = True
    match amendment.rescue:
        case Rescue.RESAMPLE:
            body.pop("seed", None)
        case Rescue.THINK:
            _think(body, model)
        case Rescue.REPAIR:
            answer, told = _draft(amendment.draft), COMPLAINT.format(complaint=amendment.complaint)
            turns = (*turns, Turn(role="assistant", text=answer), Turn(role="user", text=told))
            body["messages"] = [
                *body["messages"],
                {"role": "assistant", "content": answer},
                {"role": "user", "content": told},
            ]
        case None:
            pass
    return replace(request, body=body, turns=turns, variant=amendment.rescue or "")


def _think(body: dict[str, Any], model: Model) -> None:
    if model.thinking is Thinking.TEMPLATE:
        body["chat_template_kwargs"] = {**(body.get("chat_template_kwargs") or {}), "enable_thinking": True}
    else:
        body["reasoning_effort"] = "high"


def _draft(reply: Reply | None) -> str:
    """Write the rejected answer as text: half a tool call has no other form that servers take."""
    if reply is None or not reply.choices:
        return "(nothing)"
    first = reply.choices[0]
    calls = [{"name": call.name, "arguments": call.arguments} for call in first.tool_calls]
    text = first.text or first.refusal or (orjson.dumps(calls).decode() if calls else "")
    return text[:MOST_OF_A_DRAFT] or "(nothing)"
