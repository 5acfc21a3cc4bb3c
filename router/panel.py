"""The self-checks of one decision at work on one reply: while it grows, and on the whole."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from router.seams import Ask, Burst, Clock, Evaluator
from router.types import Amendment, Capability, CostClass, Decision, Picodollars, Reply, Request, Verdict


@dataclass(frozen=True, slots=True)
class Asking:
    """The `Ask` of one attempt's checks."""

    model: str
    put: Callable[[str, Request], Awaitable[Reply]]

    async def __call__(self, model: str, request: Request, /) -> Reply:
        return await self.put(model, request)


class Panel:
    """Runs checks in their order until one fails; `spent` tells what was spent on checks so far."""

    def __init__(
        self,
        names: Sequence[str],
        evaluators: Mapping[str, Evaluator],
        request: Request,
        *,
        ask: Ask,
        spent: Callable[[], Picodollars | None],
        clock: Clock,
    ) -> None:
        self._checks = [evaluators[name] for name in names]
        self._request, self._ask, self._spent, self._clock = request, ask, spent, clock
        watches = [check.watch(request) for check in self._checks]
        self._watches = [watch for watch in watches if watch is not None]

    def feed(self, burst: Burst) -> Verdict | None:
        """Show a piece of the reply to every check that can watch; give the first failing verdict."""
        for watch in self._watches:
            began = self._clock.monotonic()
            verdict = watch.feed(burst)
            if verdict is not None:
                return replace(verdict, duration_ms=(self._clock.monotonic() - began) * 1000)
        return None

    async def judge(self, reply: Reply, *, waited_for: bool = True) -> tuple[Verdict, ...]:
        """Judge the whole reply; the last verdict is the failing one, if there is one.

        Checks that ask models run only if the reply is `waited_for`: a gate promises to show it soon.
        """
        verdicts: list[Verdict] = []
        for check in self._checks:
            if check.cost_class is CostClass.PAID and not waited_for:
                continue
            began, before = self._clock.monotonic(), self._spent()
            verdict = await check.judge(self._request, reply, self._ask)
            if verdict is None:
                continue
            after = self._spent()
            cost = after - before if after is not None and before is not None else None
            duration = (self._clock.monotonic() - began) * 1000
            verdicts.append(replace(verdict, duration_ms=duration, cost=cost))
            if not verdict.passed:
                break
        return tuple(verdicts)


def amendment_of(decision: Decision, evaluators: Mapping[str, Evaluator]) -> Amendment:
    """Add what the checks need; a model that cannot give it leaves them with nothing to say."""
    amendment = decision.amendment
    if Capability.LOGPROBS in decision.model.capabilities and any(
        evaluators[name].cost_class is CostClass.LOGPROBS for name in decision.checks
    ):
        amendment = replace(amendment, logprobs=True)
    return amendment
