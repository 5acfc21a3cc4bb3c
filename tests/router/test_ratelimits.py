"""How limits are told."""

from datetime import UTC, datetime, timedelta

import pytest

from router.budget import BudgetScope, Per, Standing, Unit
from router.ratelimits import go_duration, limit_headers

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
