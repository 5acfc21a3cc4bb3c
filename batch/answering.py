"""Answering one line: by the same rules, checks and climbs that serve an interactive request."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import orjson

from batch.cap import Cap, Capped, Caps
from batch.jobs import ENDPOINTS, Batch, Claim, Result
from batch.seams import Store
from router.answers import note_of
from router.dialects import DIALECTS
from router.door import keep_within_scopes
from router.errors import FarthingError, OverRate, RateLimited, TimedOut, Truncated, Unreachable
from router.http import status_of
from router.pipeline import Pipeline
from router.seams import Clock, Dialect, Policy
from router.types import Lane, Outcome, Picodollars, Request

LONGEST_WAIT = 3600.0
"""Seconds a line waits for a limit's next window; a longer one fails it."""

PASSING: Final = (Unreachable, Truncated, TimedOut, RateLimited)
"""Faults of an upstream that may be over in a while: it restarts, or has too much to do."""

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""Seconds after which a line that met such a fault is tried again, from its beginning."""


class House(Protocol):
    """The part of a configuration at work that batches need."""

    pipeline: Pipeline

    def policy(self, asked: str, /) -> Policy: ...


class Answerer:
    """A `batch.seams.Answer` over whatever house is in force; a line keeps the one it began with."""

    def __init__(
        self,
        house: Callable[[], House],
        store: Store,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._house, self._clock, self._sleep = house, clock, sleep
        self._caps = Caps(store)

    async def __call__(self, batch: Batch, claim: Claim, raw: bytes, /) -> Result:
        dialect, request_id, house = DIALECTS[ENDPOINTS[batch.endpoint]], request_id_of(claim), self._house()
        try:
            request = parsed(batch, claim, raw)
            keep_within_scopes(request)
            policy = house.policy(request.asked)
        except FarthingError as error:
            return _failed(dialect, error, request_id)
        cap = self._caps.of(batch, claim)
        outcomes = await self._patiently(batch, house, request, policy, cap)
        outcome, cost = outcomes[-1], _cost(outcomes)
        attempts = sum(len(one.attempts) for one in outcomes)
        chosen = outcome.chosen
        if chosen is None or chosen.reply is None:
            failed = _failed(dialect, outcome.failure or FarthingError(), request_id)
            return replace(failed, attempts=attempts, cost=cost)
        renderer = dialect.renderer(request, created=int(self._clock.now().timestamp()))
        model = chosen.decision.model.name
        body = renderer.whole(replace(chosen.reply, usage=chosen.usage), model, note_of(outcome))
        return Result(
            status=200,
            body=body,
            request_id=outcome.request.id,
            model=model,
            attempts=attempts,
            cost=cost,
        )

    async def _patiently(
        self, batch: Batch, house: House, request: Request, policy: Policy, cap: Cap | None
    ) -> Sequence[Outcome]:
        """Run a line; one whose upstream is down for the moment is run again, as a request of its own."""
        outcomes: list[Outcome] = []
        for again, pause in enumerate((*PAUSES, None)):
            one = replace(request, id=f"{request.id}{AGAIN}{again}") if again else request
            outcome = await self._run(house, one, policy, cap)
            outcomes.append(outcome)
            failure = outcome.failure
            late = batch.deadline <= self._clock.now().timestamp()
            if pause is None or late or not isinstance(failure, PASSING):
                break
            await self._sleep(max(pause, min(failure.retry_after or 0.0, LONGEST_WAIT)))
        return outcomes

    async def _run(self, house: House, request: Request, policy: Policy, cap: Cap | None) -> Outcome:
        """Run a line; one that is too early for a limit of requests or tokens waits for its next window."""
        while True:
            purse = house.pipeline.budgets.open(request)
            capped = purse if cap is None else Capped(purse, cap, request)
            outcome = await house.pipeline.run(request, policy, purse=capped)
            refused = outcome.over_budget
            early = not outcome.attempts and isinstance(refused, OverRate)
            if not early or refused is None or not 0 < (refused.retry_after or 0) <= LONGEST_WAIT:
                return outcome
            await self._sleep(refused.retry_after or 0)

    def book_lost(self, batch: Batch, claim: Claim, raw: bytes, model: str) -> None:
        """Write down a call to `model` whose process died before it could: it may have cost money."""
        house = self._house()
        try:
            request = parsed(batch, claim, raw)
            house.pipeline.book_lost(request, house.policy(request.asked), model)
        except FarthingError:
            return  # the configuration has changed meanwhile: nobody knows this model's price any more


AGAIN = "."
"""Stands in a request's id between that of its line's claim and how often it was run again."""


def request_id_of(claim: Claim) -> str:
    """The ledger's id of one try of a line."""
    return f"{claim.batch}-{claim.line.number}-{claim.tries}"


def claim_id_of(request_id: str) -> str:
    """The id of the claim for which a request is run."""
    return request_id.partition(AGAIN)[0]


def parsed(batch: Batch, claim: Claim, raw: bytes) -> Request:
    """Make a line's `Request`; raise `CallerError`."""
    body: Any = orjson.loads(raw)["body"]
    request = DIALECTS[ENDPOINTS[batch.endpoint]].parse(
        orjson.dumps(body),
        request_id=request_id_of(claim),
        principal=replace(batch.principal, batch=batch.id),
    )
    return replace(request, lane=Lane.BATCH, stream=False)


def _cost(outcomes: Iterable[Outcome]) -> Picodollars | None:
    """What is known to have been spent; `None` if nothing is known of any of them."""
    known = [outcome.cost for outcome in outcomes if outcome.cost is not None]
    return sum(known) if known else None


def _failed(dialect: Dialect, error: Exception, request_id: str) -> Result:
    status = status_of(error)
    return Result(status=status, body=dialect.error(status, error), request_id=request_id)
