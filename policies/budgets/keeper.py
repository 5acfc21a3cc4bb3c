"""Budgets at work: every request has a purse, which reserves before each call and settles after it."""

import logging
from collections.abc import Sequence
from typing import TypeAlias

from policies.budgets.counters import Counters, Held, Short, Unavailable
from policies.budgets.free import Free, forget
from policies.budgets.refusals import refusal, unpriced
from policies.budgets.rules import Applying, Line, Ruleset
from policies.budgets.worst import most
from router.budget import Standing
from router.errors import OverBudget, Unaccounted
from router.seams import Clock, Purse, Settle
from router.types import Attempt, Features, Model, Principal, Request

log = logging.getLogger(__name__)

OUTPUT_TOKENS = 4096
"""What an answer is taken to be bounded by if neither the request nor the model bounds it."""

FREE = Free()

USD, REQUESTS, TOKENS = range(3)

Amounts: TypeAlias = tuple[int, int, int]


class Keeper:
    """Keeps the budgets of `rules` on `counters`.

    `refuses` says what happens while the counters cannot be reached:
    nothing is spent, or it is spent unchecked.
    """

    def __init__(
        self,
        rules: Ruleset,
        counters: Counters,
        *,
        clock: Clock,
        output_tokens: int = OUTPUT_TOKENS,
        refuses: bool = True,
    ) -> None:
        self.rules, self.counters, self.clock = rules, counters, clock
        self.output_tokens, self.refuses = output_tokens, refuses

    def open(self, request: Request, /) -> Purse:
        within, who = self.rules.within_request(), request.principal
        if not (self.rules.has_providers or within or self.rules.applying(who).lines):
            return FREE
        return RequestPurse(self, who, within)

    async def standing(self, principal: Principal, /) -> Sequence[Standing]:
        now = self.clock.now().timestamp()
        applying = self.rules.applying(principal)
        if not applying.lines:
            return ()
        try:
            counts = await self.counters.counts(applying.accounts(self.rules.calendar, now))
        except Unavailable:
            raise Unaccounted(retry_after=1.0) from None
        return [
            self.rules.standing(line, count, now) for line, count in zip(applying.lines, counts, strict=True)
        ]


class RequestPurse:
    """What one request may spend; amounts are of money, requests and tokens, in the order of `UNITS`."""

    def __init__(self, keeper: Keeper, who: Principal, within: Sequence[Line]) -> None:
        self._keeper, self._who, self._within = keeper, who, within
        self._taken: Amounts = (0, 0, 0)  # by this request: booked, and held for what is under way
        self._last: tuple[Sequence[Line], Sequence[tuple[int, int]], float] = ((), (), 0.0)
        self.refused: OverBudget | None = None
        self.unchecked = False

    async def reserve(self, asked: Request, features: Features, model: Model, /) -> Settle:
        cost, tokens = most(asked, features, model, output_tokens=self._keeper.output_tokens)
        requests = 0 if self._taken[REQUESTS] else 1
        try:
            applying = self._keeper.rules.applying(self._who, model.provider)
            if cost is None and any(not line.place for line in (*applying.lines, *self._within)):
                raise unpriced(model)
            return await self._hold(applying, (cost or 0, requests, tokens))
        except OverBudget as error:
            self.refused = error
            raise

    async def booked(self) -> None:
        await self._keeper.counters.booked()

    def standings(self) -> Sequence[Standing]:
        lines, counts, now = self._last
        rules = self._keeper.rules
        return [rules.standing(line, count, now) for line, count in zip(lines, counts, strict=True)]

    async def _hold(self, applying: Applying, wanted: Amounts) -> Settle:
        keeper = self._keeper
        now = keeper.clock.now().timestamp()
        self._within_request(wanted)
        accounts = applying.accounts(keeper.rules.calendar, now)
        try:
            held = await keeper.counters.reserve(accounts, applying.amounts(wanted))
        except Unavailable as error:
            return self._unreachable(error)
        if isinstance(held, Short):
            line = applying.lines[held.position]
            self._last = (line,), (held.standing,), now
            raise refusal(keeper.rules.standing(line, held.standing, now), wanted[line.place], now)
        self._last = applying.lines, held.counts, now
        self._take(*wanted)
        return self._settler(applying, held, wanted)

    def _settler(self, applying: Applying, held: Held, wanted: Amounts) -> Settle:
        settled = False

        def settle(attempt: Attempt, /) -> None:
            nonlocal settled
            if settled:
                return
            settled = True
            cost, tokens = attempt.charge.amount, _tokens(attempt)
            # What nobody knows is booked as the most it can have been: unknown is not nothing.
            booked = (
                wanted[USD] if cost is None else cost,
                wanted[REQUESTS],
                wanted[TOKENS] if tokens is None else tokens,
            )
            self._take(booked[USD] - wanted[USD], 0, booked[TOKENS] - wanted[TOKENS])
            self._keeper.counters.settle(held, applying.amounts(booked))

        return settle

    def _take(self, money: int, requests: int, tokens: int) -> None:
        taken = self._taken
        self._taken = taken[USD] + money, taken[REQUESTS] + requests, taken[TOKENS] + tokens

    def _within_request(self, wanted: Amounts) -> None:
        for line in self._within:
            if self._taken[line.place] + wanted[line.place] > line.limit:
                standing = self._keeper.rules.standing(line, (self._taken[line.place], 0), 0.0)
                raise refusal(standing, wanted[line.place], 0.0)

    def _unreachable(self, error: Unavailable) -> Settle:
        if self._keeper.refuses:
            raise Unaccounted(retry_after=1.0) from error
        if not self.unchecked:
            log.warning("spending goes unchecked, because the budgets cannot be reached: %s", error)
        self.unchecked = True
        return forget


def _tokens(attempt: Attempt) -> int | None:
    usage = attempt.usage
    return None if usage.input is None or usage.output is None else usage.input + usage.output
