"""Questions that checks put to models."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from router.errors import FarthingError
from router.seams import Ask
from router.types import NOTHING, Limits, Reply, Request, Turn

NOT_AGAIN = frozenset(
    {"stream", "stream_options", "logprobs", "top_logprobs", "n", "seed", "temperature", "top_p", "model"}
)
"""Options of a request that do not belong to a second asking of it."""


def again(request: Request, *, temperature: float) -> Request:
    """The same question once more, answered whole, with chance in it."""
    body = {name: value for name, value in request.body.items() if name not in NOT_AGAIN}
    limits = replace(request.limits, choices=1)
    return replace(request, body={**body, "temperature": temperature}, stream=False, limits=limits)


def question(request: Request, *, system: str, text: str, most: int) -> Request:
    """A question of the check's own, with an answer of at most `most` tokens."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    return Request(
        id=request.id,
        asked=request.asked,
        dialect=request.dialect,
        principal=request.principal,
        turns=(Turn(role="system", text=system), Turn(role="user", text=text)),
        body={"messages": messages, "temperature": 0, "max_tokens": most, **NOTHING},
        limits=Limits(output_tokens=most),
    )


async def ask_all(ask: Ask, questions: Sequence[tuple[str, Request]]) -> list[Reply]:
    """Ask at once; give the replies of those that answered."""
    answers = await asyncio.gather(
        *(ask(model, request) for model, request in questions), return_exceptions=True
    )
    replies = []
    for answer in answers:
        if isinstance(answer, Reply):
            replies.append(answer)
        elif not isinstance(answer, FarthingError):
            raise answer
    return replies
