"""What every handler has in common: who asks, from error to status, and answers in JSON."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from router.dialects import DIALECTS
from router.errors import (
    BadRequest,
    CallerFault,
    FarthingError,
    NoCandidate,
    NotAuthorized,
    NothingPassed,
    OutOfScope,
    OverBudget,
    OverRate,
    RateLimited,
    StoreAway,
    TimedOut,
    TooLarge,
    Unaccounted,
    UnknownModel,
    UnknownObject,
    UpstreamError,
)
from router.seams import Dialect
from router.types import Principal

STATUS: Sequence[tuple[type[Exception], int]] = (
    (BadRequest, 400),
    (NotAuthorized, 401),
    (OutOfScope, 403),
    (UnknownModel, 404),
    (UnknownObject, 404),
    (TooLarge, 413),
    (OverRate, 429),
    (Unaccounted, 503),
    (StoreAway, 503),
    (OverBudget, 402),
    (RateLimited, 429),
    (TimedOut, 504),
    (UpstreamError, 502),
    (NothingPassed, 502),
)
"""From error to status, the most special first.

An upstream's 401 is no business of the caller's: it is a 502, since the key it speaks of is ours.
"""

SOON = 60.0
"""Seconds that OpenAI's clients are willing to wait."""

Identify: TypeAlias = Callable[[web.Request], Principal]
"""Tells who asks; raises `NotAuthorized`."""


class Routes(Protocol):
    """Handlers that stand beside the completions; the server gives them its way of telling who asks."""

    def add(self, app: web.Application, prefix: str, identify: Identify, /) -> None:
        """Add every route below `prefix` (`/v1`, or nothing)."""
        ...


Own: TypeAlias = Callable[[web.Request, Principal], Awaitable[web.StreamResponse]]
"""A handler that has been told who asks."""


def own(identify: Identify, handler: Own) -> Handler:
    """Make a handler of one that wants to know who asks; errors are told in OpenAI's shape."""

    async def handle(http: web.Request) -> web.StreamResponse:
        try:
            return await handler(http, identify(http))
        except FarthingError as error:
            return failed(DIALECTS["chat"], error, {})

    return handle


def status_of(error: Exception) -> int:
    if isinstance(error, NoCandidate):
        return 503 if error.retryable else 400
    if isinstance(error, CallerFault):
        return error.status or 400
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def answer(value: object, *, status: int = 200) -> web.Response:
    """Answer with a value as JSON."""
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")


def failed(
    dialect: Dialect, error: Exception, headers: Mapping[str, str], *, status: int | None = None
) -> web.Response:
    """Answer with an error in the caller's dialect."""
    status = status or status_of(error)
    retry_after = getattr(error, "retry_after", None)
    # The SDKs repeat 429 and 5xx by themselves; what could be tried has been tried here.
    # Only what passes by itself is soon to be tried again: a model's rest, a limit of ours.
    again = isinstance(error, OverRate | Unaccounted) and retry_after is not None and retry_after <= SOON
    again = again or (isinstance(error, NoCandidate) and error.retryable)
    extra = {"x-should-retry": "true" if again else "false"} if status >= 429 or status == 402 else {}
    if retry_after is not None:
        extra["Retry-After"] = str(max(1, math.ceil(retry_after)))
    return web.Response(
        status=status,
        body=dialect.error(status, error),
        content_type="application/json",
        headers={**headers, **extra},
    )
