"""What budgets are told in tests."""

from datetime import UTC, datetime

from router.types import Attempt, Charge, Decision, Grade, Status, Usage
from tests.support.world import model


def attempt(*, cost: int | None = 0, input: int | None = 10, output: int | None = 5) -> Attempt:  # noqa: A002
    """An upstream call that is over, and what it took."""
    return Attempt(
        number=1,
        decision=Decision(model=model("a"), reason="cheapest adequate"),
        status=Status.ACCEPTED,
        started=datetime(2026, 11, 23, tzinfo=UTC),
        duration_ms=1.0,
        usage=Usage(input=input, output=output),
        charge=Charge(amount=cost, bound=cost, grade=Grade.COMPUTED),
    )
