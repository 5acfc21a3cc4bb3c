"""How limits are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from router.budget import BudgetScope, Per, Standing, Unit
from router.ratelimits import go_duration, limit_headers, overview
from router.types import DOLLAR, Principal

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def standing(unit: Unit, limit: int, spent: int, seconds: float | None = 90) -> Standing:
    return Standing(
        budget="b",
        scope=BudgetScope.KEY,
        of="k",
        unit=unit,
        per=Per.MINUTE,
        limit=limit,
        spent=spent,
        held=1,
        resets=NOW + timedelta(seconds=seconds) if seconds is not None else None,
    )


def test_the_tightest_of_each_is_told():
    told = limit_headers(
        [
            standing(Unit.REQUESTS, 100, 10),
            standing(Unit.REQUESTS, 60, 50),
            standing(Unit.TOKENS, 1000, 2000, None),
            standing(Unit.USD, 5, 1),
        ],
        NOW,
    )
    assert told == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "9",
        "x-ratelimit-reset-requests": "1m30s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "0",
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-1, "0s"),
        (0.012, "12ms"),
        (1.5, "1.5s"),
        (59, "59s"),
        (360, "6m0s"),
        (2_592_000, "720h0m0s"),
    ],
)
def test_a_span_is_written_as_go_writes_it(seconds, text):
    assert go_duration(seconds) == text


class Accounts:
    """Budgets in which everybody shares one limit, and each key has another."""

    async def standing(self, who: Principal):
        dollars = standing(Unit.USD, 10 * DOLLAR, 9 * DOLLAR)
        shared = replace(dollars, scope=BudgetScope.ALL, of="", held=0)
        own = replace(standing(Unit.REQUESTS, 100, 4), of=str(who.key))
        return [shared, own]


async def test_every_limit_is_told_once_the_most_used_first():
    rows = await overview(Accounts(), [Principal(key="a"), Principal(key="b")])

    assert [(row["of"], row["used_share"]) for row in rows] == [("all", 0.9), ("a", 0.05), ("b", 0.05)]
    assert (rows[0]["limit"], rows[0]["spent"]) == ("$10 per minute", "$9")
