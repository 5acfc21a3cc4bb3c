"""How far an escalation may go: calls, dollars, milliseconds, counted while a plan runs."""

from policies.language import Escalation
from router.types import DOLLAR, Attempt, Picodollars


class Caps:
    """What is left to one request of what its policy allows."""

    def __init__(self, escalation: Escalation) -> None:
        self.calls = escalation.max_calls
        dollars = escalation.max_cost_usd
        self._money = int(dollars * DOLLAR) if dollars is not None else None
        self._milliseconds = escalation.max_milliseconds
        self._spent: Picodollars = 0
        self._took = 0.0
        self._answered = False

    def note(self, attempt: Attempt) -> None:
        """Count what an attempt took; a cost that nobody knows is taken as it was expected."""
        self.calls -= 1
        known = attempt.charge.amount
        self._spent += known if known is not None else attempt.decision.expected_cost or 0
        self._spent += sum(verdict.cost or 0 for verdict in attempt.verdicts)
        self._took += attempt.duration_ms
        self._answered |= attempt.reply is not None and attempt.reply.complete and attempt.error is None

    def allow(self, cost: Picodollars) -> bool:
        """Tell whether a further call may be made; money and time give way to a caller without any answer."""
        if self.calls <= 0:
            return False
        return not self._answered or (self.affords(cost) and not self._late)

    @property
    def has_price(self) -> bool:
        return self._money is not None

    def affords(self, cost: Picodollars) -> bool:
        return self._money is None or self._spent + cost <= self._money

    @property
    def _late(self) -> bool:
        return self._milliseconds is not None and self._took >= self._milliseconds
