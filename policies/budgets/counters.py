"""What budgets are counted on: accounts that are reserved from and settled, all or none."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Count(NamedTuple):
    """How an account stands: what is booked, and what is held for calls under way."""

    spent: int
    held: int


class Account(NamedTuple):
    """An account: it may reach `limit`, and is forgotten at `ends`, in seconds since 1970.

    `grain` is what may be rounded up to.
    """

    key: str
    limit: int
    ends: float
    grain: int = 1


class Held(NamedTuple):
    """Of each account its amount is held, all under `id`; `counts` are the accounts as they stand with it."""

    id: str
    accounts: Sequence[Account]
    amounts: Sequence[int]
    counts: Sequence[tuple[int, int]]


class Short(NamedTuple):
    """Nothing is held, because the account at `position` does not bear it."""

    position: int
    standing: Count


class Unavailable(Exception):
    """The counters cannot be reached."""


class Counters(Protocol):
    """Accounts of whole numbers; no account is ever held and spent beyond its limit.

    Only what a call takes above what was held for it can bring an account above its limit.
    """

    async def reserve(self, accounts: Sequence[Account], amounts: Sequence[int], /) -> Held | Short:
        """Hold of each account its amount, or of none any; raises `Unavailable`."""
        ...

    def settle(self, held: Held, amounts: Sequence[int], /) -> None:
        """Book `amounts` in the place of what is held, once; never waits and never fails."""
        ...

    async def booked(self) -> None:
        """Wait until what was settled so far outlives this process, but not for ever."""
        ...

    async def counts(self, accounts: Sequence[Account], /) -> Sequence[Count]:
        """How accounts stand: at nothing, where nobody opened one. Raises `Unavailable`."""
        ...

    async def keep(self) -> None:
        """Keep the accounts until cancelled: book, give back, sweep."""
        ...

    async def close(self) -> None:
        """Book what is left, and give back what is held."""
        ...
