"""What a call used, where the upstream does not say, or not credibly: counted here, and bounded.

The count is our own tokeniser's. The bound rests on one fact: a token is at least one byte.
So an answer that came whole bounds itself; one that was cut is bounded by what was allowed, since an upstream
may go on writing, and billing, after everybody has left.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from router.errors import UpstreamError
from router.types import Choice, Features, Grade, Model, Reply, Request, Usage

ROOM = 512
"""Tokens a chat template puts at the beginning at most, about, among them the instructions for tools."""

ROOM_A_CALL = 64
"""Tokens of markup around a call of a tool."""

LEEWAY = 8192
"""Tokens by which a report may exceed what we know of: some providers put a prompt of their own in front."""

THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Where upstreams put reasoning that they show; it is written, and billed, as output."""

TEXT_PARTS = frozenset({"text", "refusal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is known of a call that has ended, its usage aside."""

    request: Request
    features: Features
    model: Model
    reply: Reply | None
    error: UpstreamError | None

    @property
    def most_input(self) -> int | None:
        """Every byte of the body a token; pictures and sound are bounded by the window alone."""
        if _has_media(self.request):
            return self.model.context_window
        written = len(orjson.dumps(self.request.body, default=str))
        return max(written + ROOM, self.features.prompt_tokens)

    @property
    def most_output(self) -> int | None:
        """What the caller allowed, else what the model can write, else what its window has left."""
        window, limits = self.model.context_window, self.request.limits
        left = max(0, window - self.features.window_tokens) if window else None
        each = self.model.max_output or left if limits.output_tokens is None else limits.output_tokens
        return each * limits.choices if each is not None else None

    @property
    def written(self) -> list[str]:
        """The text of every choice, without the prompt that it may repeat."""
        choices = self.reply.choices if self.reply is not None else ()
        if self.request.body.get("echo") is not True:
            return [_written(choice) for choice in choices]
        turns, each = self.request.turns, max(1, self.request.body.get("n") or 1)
        prompts = [turns[min(choice.index // each, len(turns) - 1)].text for choice in choices]
        return [
            _written(choice).removeprefix(prompt) for choice, prompt in zip(choices, prompts, strict=True)
        ]


def used(call: Call, count: Callable[[str], int]) -> Usage:
    """Give what a call used: as reported where that can be, else as counted here, with its bounds."""
    said = call.reply.usage if call.reply is not None else None
    flaw = said.flaw or _implausible(said, call) if said is not None else None
    if said is not None and flaw is None:
        usage = said
    elif call.reply is None:
        usage = _unseen(call)
    else:
        usage = _estimate(call, call.reply, count)
        usage = replace(usage, flaw=flaw, cost=said.cost if said is not None else None)
    return replace(usage, images=call.features.images) if call.features.images else usage


def _implausible(usage: Usage, call: Call) -> str | None:
    """Say why a usage cannot be that of this call, `None` if it can."""
    if not usage.input and call.features.prompt_tokens:
        return "no input for a prompt"
    if not usage.output and call.reply is not None and any(call.written):
        return "no output for an answer"
    if (usage.input or 0) > LEEWAY + 4 * call.features.prompt_tokens:
        most = call.most_input
        if most is not None and (usage.input or 0) > LEEWAY + 2 * most:
            return "more input than was sent"
    most = call.most_output
    if most is None or (usage.output or 0) <= 2 * most + ROOM:
        return None
    said = "".join(call.written)
    return "more output than was allowed" if (usage.output or 0) > 2 * len(said.encode()) + ROOM else None


def _estimate(call: Call, reply: Reply, count: Callable[[str], int]) -> Usage:
    texts = call.written
    output = count("".join(texts))
    bound = call.most_output
    if reply.complete and not _hides_thoughts(call.request):
        calls = sum(len(choice.tool_calls) for choice in reply.choices)
        bound = len("".join(texts).encode("utf-8", "replace")) + len(texts) + ROOM_A_CALL * calls
    return Usage(
        input=call.features.prompt_tokens,
        output=output,
        grade=Grade.ESTIMATED,
        input_bound=call.most_input,
        output_bound=max(output, bound) if bound is not None else None,
    )


def _unseen(call: Call) -> Usage:
    """Nothing came: an upstream that refused bills nothing, one that fell silent perhaps."""
    if call.error is not None and call.error.refused:
        return Usage(input=0, output=0, grade=Grade.COMPUTED)
    return Usage(
        input=0,
        output=0,
        grade=Grade.ESTIMATED,
        input_bound=call.most_input,
        output_bound=call.most_output,
    )


def _written(choice: Choice) -> str:
    thoughts = "".join(text for key in THOUGHTS if isinstance(text := choice.extra.get(key), str))
    calls = "".join((call.name or "") + call.arguments for call in choice.tool_calls)
    return choice.text + choice.refusal + thoughts + calls


def _has_media(request: Request) -> bool:
    """Tell whether a message has parts that are no text."""
    return any(
        part.get("type") not in TEXT_PARTS
        for message in _objects(request.body.get("messages"))
        for part in _objects(message.get("content"))
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list | tuple) else []


def _hides_thoughts(request: Request) -> bool:
    body = request.body
    asked = body.get("reasoning")
    return (
        (isinstance(asked, dict) and asked.get("exclude") is True)
        or body.get("include_reasoning") is False
        or body.get("reasoning_format") == "hidden"
    )
