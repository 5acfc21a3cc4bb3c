"""What every strategy's step has in common."""

from collections.abc import Mapping
from hashlib import blake2b

from policies.language import PolicySpec
from router.errors import UpstreamError
from router.types import Attempt, Decision, Model, Picodollars, Release, Request


def ends_it(attempt: Attempt) -> bool:
    """Tell whether an attempt failed in a way that no other model can mend: the request itself is wrong."""
    return isinstance(attempt.error, UpstreamError) and not attempt.error.retryable


def decision(
    spec: PolicySpec,
    request: Request,
    model: Model,
    reason: str,
    costs: Mapping[str, Picodollars],
    *,
    checks: tuple[str, ...] | None = None,
    last: bool = False,
) -> Decision:
    """Make the policy's `Decision` to try `model`; an answer that is not streamed is held anyway."""
    return Decision(
        model=model,
        reason=reason,
        checks=tuple(check.label for check in spec.checks) if checks is None else checks,
        release=spec.stream_release if request.stream else Release.HELD,
        hold_tokens=spec.gate.tokens,
        hold_ms=spec.gate.milliseconds,
        refuses_substitutes=spec.on_substitution == "refuse",
        expected_cost=costs.get(model.name),
        last=last,
    )


def draw(request: Request) -> float:
    """A number in [0, 1) that stays the same for a session, or else for a request."""
    text = request.principal.session or request.id
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64
