"""No budgets at all."""

from collections.abc import Sequence

from router.budget import Standing
from router.errors import OverBudget
from router.seams import Purse, Settle
from router.types import Attempt, Features, Model, Principal, Request


class Free:
    """Bears everything, and counts nothing: budgets, and every request's purse, in one."""

    refused: OverBudget | None = None
    unchecked = False

    def open(self, request: Request, /) -> Purse:  # noqa: ARG002 - the seam
        return self

    async def reserve(self, asked: Request, features: Features, model: Model, /) -> Settle:  # noqa: ARG002 - the seam
        return forget

    async def standing(self, principal: Principal, /) -> Sequence[Standing]:  # noqa: ARG002 - the seam
        return ()

    async def booked(self) -> None:
        return

    def standings(self) -> Sequence[Standing]:
        return ()


def forget(attempt: Attempt, /) -> None:
    """Book nothing."""
