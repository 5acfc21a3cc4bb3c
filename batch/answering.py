"""Answering one line: by the same rules, checks and climbs that serve an interactive request."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

import orjson

from batch.cap import Cap, Capped, Caps
from batch.jobs import ENDPOINTS, Batch, Claim, Result
from batch.seams import Store
from batch.spill import Spill
from policies.spilling import late
from router.answers import note_of
from router.dialects import DIALECTS
from router.door import keep_within_scopes, still_good
from router.errors import (
    BadRequest,
    Broken,
    FarthingError,
    NoCandidate,
    OverRate,
    RateLimited,
    StoreAway,
    TimedOut,
    Truncated,
    Unaccounted,
    Unreachable,
)
from router.http import status_of
from router.keys import Ring
from router.pipeline import Pipeline
from router.seams import Clock, Dialect, Policy
from router.tiers import TierDown, run_within
from router.types import NOTHING, Outcome, Picodollars, Request

LONGEST_WAIT = 3600.0
"""Seconds a line waits for a limit's next window; a longer one fails it."""

log = logging.getLogger("farthing.batch")


PASSING = (Unreachable, TimedOut, RateLimited, Broken, Truncated, Unaccounted)
"""Failures that say nothing of the line: an engine that is being started again, a provider that is busy."""


class House(Protocol):
    """The part of a configuration at work that batches need."""

    pipeline: Pipeline
    tiers: Mapping[str, TierDown]
    """What is asked in the place of a policy, by its name, when a budget runs out."""

    @property
    def ring(self) -> Ring | None:
        """The keys there are; `None`: no keys are asked for."""
        ...

    def policy(self, asked: str, /) -> Policy: ...

    def labels(self, request: Request, headers: Mapping[str, str], /) -> Mapping[str, str]: ...


class Answerer:
    """A `batch.seams.Answer` over whatever house is in force; a line keeps the one it began with."""

    def __init__(
        self,
        house: Callable[[], House],
        store: Store,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        spill: Spill | None = None,
        audited: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """`audited` waits until nobody looks at the answer to a request any more."""
        self._house, self._clock, self._sleep = house, clock, sleep
        self._spill = spill or Spill(clock, {}, lambda: 0)
        self._caps, self._audited = Caps(store), audited

    async def __call__(self, batch: Batch, claim: Claim, raw: bytes, /) -> Result:
        dialect, request_id, house = DIALECTS[ENDPOINTS[batch.endpoint]], request_id_of(claim), self._house()
        try:
            request = parsed(batch, claim, raw)
            who = still_good(house.ring, request.principal, self._clock.now())
            request = replace(request, principal=who)
            keep_within_scopes(request)
            labels = {**house.labels(request, NOTHING), **batch.labels}
            request = replace(request, labels=labels)
            policy, cap = house.policy(request.asked), self._caps.of(batch, claim)

            async def run(spilled: bool) -> Outcome:
                return await self._run(house, late(request) if spilled else request, policy, cap)

            outcome = await self._spill.run(batch, request_id, run)
            await self._look(request_id)
        except StoreAway:
            raise  # whoever keeps the claim lets it wait
        except FarthingError as error:
            return replace(_failed(dialect, error, request_id), again=_again(error))
        chosen, cost = outcome.chosen, outcome.cost if cap is None else cap.total(outcome.cost)
        if chosen is None or chosen.reply is None:
            failure = outcome.failure or FarthingError()
            failed = _failed(dialect, failure, request_id)
            return replace(failed, attempts=len(outcome.attempts), cost=cost, again=_again(failure))
        renderer = dialect.renderer(request, created=int(self._clock.now().timestamp()))
        model = chosen.decision.model.name
        body = renderer.whole(replace(chosen.reply, usage=chosen.usage), model, note_of(outcome))
        return Result(
            status=200,
            body=body,
            request_id=request_id,
            model=model,
            attempts=len(outcome.attempts),
            cost=cost,
        )

    async def _look(self, request_id: str) -> None:
        """Keep the claim until audits are over: what they ask is noted with it, and booked after a kill."""
        if self._audited is not None:
            # Whoever stops us has the answer written down nevertheless: it has been paid for.
            with suppress(asyncio.CancelledError):
                await self._audited(request_id)

    async def _run(self, house: House, request: Request, policy: Policy, cap: Cap | None) -> Outcome:
        """Run a line; one that is too early for a limit of requests or tokens waits for its next window."""
        while True:
            purse = house.pipeline.budgets.open(request)
            capped = purse if cap is None else Capped(purse, cap)
            outcome = await run_within(house.pipeline, request, policy, house.tiers, None, capped)
            refused = outcome.over_budget
            early = not outcome.attempts and isinstance(refused, OverRate)
            if not early or refused is None or not 0 < (refused.retry_after or 0) <= LONGEST_WAIT:
                return outcome
            await self._sleep(refused.retry_after or 0)

    def book_lost(
        self, batch: Batch, claim: Claim, raw: bytes, models: Sequence[str], first: int, *, answered: bool
    ) -> None:
        """Write down calls to `models` whose process died before it could: they may have cost money.

        They are the attempts of this try from the `first` on; audits, if it is `answered`.
        """
        house = self._house()
        try:
            request = parsed(batch, claim, raw)
            house.pipeline.book_lost(
                request, house.policy(request.asked), models, first=first, answered=answered
            )
        except FarthingError as error:
            # The configuration has changed meanwhile: nobody knows this model's price any more.
            log.warning("%d lost calls of %s cannot be booked: %s", len(models), request_id_of(claim), error)


def request_id_of(claim: Claim) -> str:
    """The ledger's id of one try of a line."""
    return f"{claim.batch}-{claim.line.number}-{claim.tries}"


def parsed(batch: Batch, claim: Claim, raw: bytes) -> Request:
    """Make a line's `Request`; raise `CallerError`."""
    try:
        body: Any = orjson.loads(raw)["body"]
    except orjson.JSONDecodeError:
        raise BadRequest("The line cannot be read any more.") from None
    request = DIALECTS[ENDPOINTS[batch.endpoint]].parse(
        orjson.dumps(body),
        request_id=request_id_of(claim),
        principal=replace(batch.principal, batch=batch.id),
    )
    return replace(request, lane=batch.lane, stream=False)


def given_up(claim: Claim, cost: Picodollars | None) -> Result:
    """Say of a line that whoever worked on it died, again and again."""
    error = FarthingError(f"The process that worked on this line died {claim.tries} times.")
    return replace(_failed(DIALECTS["chat"], error, request_id_of(claim)), cost=cost)


def broken(claim: Claim) -> Result:
    """Say of a line that the fault is ours."""
    return _failed(
        DIALECTS["chat"], FarthingError("Farthing itself failed; its log says how."), request_id_of(claim)
    )


def _again(failure: Exception) -> float | None:
    """Say after how many seconds the same line may do better, `None`: it will not."""
    if isinstance(failure, PASSING):
        return failure.retry_after or 0.0
    return failure.retry_after if isinstance(failure, NoCandidate) else None


def _failed(dialect: Dialect, error: Exception, request_id: str) -> Result:
    status = status_of(error)
    return Result(status=status, body=dialect.error(status, error), request_id=request_id)
