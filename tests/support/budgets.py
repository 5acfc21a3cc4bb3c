"""What budgets are told in tests."""

from datetime import UTC, datetime
from typing import NamedTuple

from policies.budgets.counters import Account
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


class Claim(NamedTuple):
    """An account, and how much is wanted of it."""

    account: Account
    amount: int


def claims(*each: Claim) -> tuple[list[Account], list[int]]:
    """Claims in the form in which counters take them."""
    return [one.account for one in each], [one.amount for one in each]


def accounts(*each: Claim) -> list[Account]:
    return claims(*each)[0]
