"""What budgets are counted on: accounts that are reserved from and settled, all or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Count(NamedTuple):
    """How an account stands: what is booked, and what is held for calls under way."""

    spent: int
    held: int


class Claim(NamedTuple):
    """`amount` is wanted of the account `key`, which may reach `limit` and is forgotten at `ends`.

    `ends` is in seconds since 1970; `grain` is what may be rounded up to.
    A tuple, because ten are made for every call.
    """

    key: str
    limit: int
    amount: int
    ends: float
    grain: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """All of `claims` is held under `id`; `counts` are the accounts as they stand with it."""

    id: str
    claims: tuple[Claim, ...]
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """Nothing is held, because the account of the claim at `position` does not bear it."""

    position: int
    count: Count


class Unavailable(Exception):
    """The counters cannot be reached."""


class Counters(Protocol):
    """Accounts of whole numbers; no account is ever held and spent beyond its limit.

    Only what a call takes above what was held for it can bring an account above its limit.
    """

    async def reserve(self, claims: Sequence[Claim], /) -> Held | Short:
        """Hold every claim, or none; raises `Unavailable`."""
        ...

    def settle(self, held: Held, amounts: Sequence[int], /) -> None:
        """Book `amounts` in the place of what is held, once; never waits and never fails."""
        ...

    async def booked(self) -> None:
        """Wait until what was settled so far outlives this process, but not for ever."""
        ...

    async def counts(self, claims: Sequence[Claim], /) -> Sequence[Count]:
        """How the accounts of claims stand: at nothing, where nobody opened one. Raises `Unavailable`."""
        ...

    async def keep(self) -> None:
        """Keep the accounts until cancelled: book, give back, sweep."""
        ...

    async def close(self) -> None:
        """Book what is left, and give back what is held."""
        ...
