"""What came of a request."""

from collections.abc import Mapping
from dataclasses import dataclass

from router.errors import NoCandidate, NothingPassed, OverBudget, Refusal
from router.types.attempt import Attempt, Purpose, Status
from router.types.features import Features
from router.types.request import Request
from router.types.units import Picodollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """What the best single model would have cost for the same tokens: computed, never measured.

    `cheapest` is the cheapest model, and what it would have cost.
    """

    model: str
    cost: Picodollars
    cheapest: str | None = None
    cheapest_cost: Picodollars | None = None


def _merit(attempt: Attempt) -> tuple[int, float, int]:
    """Checks passed, then how nearly the next one was, then the later (the stronger) attempt."""
    failed = next((verdict.score for verdict in attempt.verdicts if not verdict.passed), None)
    passed = sum(verdict.passed for verdict in attempt.verdicts)
    return passed, failed or 0.0, attempt.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything tried for one request, and why the rest was not.

    `over_budget` says what was not done for want of money: all of it, or climbing on.
    """

    request: Request
    features: Features
    policy: str
    config: str
    refused: Mapping[str, Refusal]
    attempts: tuple[Attempt, ...]
    counterfactual: Counterfactual | None = None
    over_budget: OverBudget | None = None

    @property
    def chosen(self) -> Attempt | None:
        """The attempt the caller got: the accepted one, else the best of those that its checks rejected."""
        answers = [attempt for attempt in self.attempts if attempt.purpose is Purpose.ANSWER]
        for attempt in reversed(answers):
            if attempt.accepted:
                return attempt
        whole = [a for a in answers if a.status is Status.REJECTED and a.reply and a.reply.complete]
        return max(whole, key=_merit, default=None)

    @property
    def failure(self) -> Exception | None:
        """Why the caller got no answer, or not all of it; `None` if there is one."""
        if not self.attempts:
            return self.over_budget or NoCandidate(self.refused)
        last = self.attempts[-1]
        if last.committed and not last.accepted:
            return last.error
        return None if self.chosen else last.error or self.over_budget or NothingPassed()

    @property
    def cost(self) -> Picodollars | None:
        """All that is known to have been spent, rejected attempts and paid checks included.

        `None` if nothing is known of any attempt.
        """
        known = [attempt.charge.amount for attempt in self.attempts if attempt.charge.amount is not None]
        return sum(known) if known else None
