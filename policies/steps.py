"""What every strategy's step has in common."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

from policies.language import PolicySpec
from router.errors import StruckOut, UpstreamError
from router.seams import Plan, Strategy
from router.types import Attempt, Decision, Features, Model, Picodollars, Release, Request, Status


def ends_it(attempt: Attempt) -> bool:
    """Tell whether an attempt failed in a way that no other model can mend: the request itself is wrong."""
    return isinstance(attempt.error, UpstreamError) and not attempt.error.retryable


def decision(
    spec: PolicySpec,
    request: Request,
    model: Model,
    reason: str,
    cost: Picodollars | None,
    *,
    checks: tuple[str, ...] | None = None,
    last: bool = False,
) -> Decision:
    """Make the policy's `Decision` to try `model`, which is expected to `cost` so much (`None`: unpriced).

    An answer that is not streamed is held anyway.
    """
    return Decision(
        model=model,
        reason=reason,
        checks=tuple(check.label for check in spec.checks) if checks is None else checks,
        release=spec.stream_release if request.stream else Release.HELD,
        hold_tokens=spec.gate.tokens,
        hold_ms=spec.gate.milliseconds,
        refuses_substitutes=spec.on_substitution == "refuse",
        expected_cost=cost,
        last=last,
    )


def draw(request: Request) -> float:
    """A number in [0, 1) that stays the same for a session, or else for a request."""
    return drawn(request.principal.session or request.id)


def drawn(text: str) -> float:
    """A number in [0, 1), evenly spread, that is always the same for a text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64


def in_turn(
    strategy: Strategy,
    request: Request,
    features: Features,
    tiers: Sequence[Sequence[Model]],
    spec: PolicySpec,
) -> Plan:
    """Let a strategy plan with one group of models after another, within the calls that the policy allows."""
    calls = 0
    for tier in tiers:
        plan = strategy(request, features, tier)
        try:
            decision = next(plan)
            while calls < spec.escalation.max_calls:
                calls += 1
                attempt = yield decision
                decision = plan.send(attempt)
        except StopIteration:
            continue
        finally:
            plan.close()


def passed_over(decision: Decision, reason: str, last: Attempt) -> Attempt:
    """Tell the strategy that a step was not taken, as if its upstream had failed."""
    error = StruckOut(f"{decision.model.name} {reason}.")
    return replace(last, decision=decision, status=Status.FAILED, error=error, verdicts=(), reply=None)
