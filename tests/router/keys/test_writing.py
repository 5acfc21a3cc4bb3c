"""What people write on the command line."""

from datetime import UTC, datetime, timedelta

import pytest

from router.budget import Per, Unit
from router.errors import FarthingError
from router.keys.writing import instant_of, limits_of, name_of, span_of
from router.types import DOLLAR

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "per", "unit", "limit"),
    [
        ("5 usd/day", Per.DAY, Unit.USD, 5 * DOLLAR),
        ("$0.50/hour", Per.HOUR, Unit.USD, DOLLAR // 2),
        ("5 per month", Per.MONTH, Unit.USD, 5 * DOLLAR),
        ("60 requests/minute", Per.MINUTE, Unit.REQUESTS, 60),
        ("1 request a week", Per.WEEK, Unit.REQUESTS, 1),
        ("2,000,000 tokens per month", Per.MONTH, Unit.TOKENS, 2_000_000),
        ("100 USD in total", Per.TOTAL, Unit.USD, 100 * DOLLAR),
    ],
)
def test_a_limit_is_a_number_of_something_within_a_window(text, per, unit, limit):
    (budget,) = limits_of("alice", [text])
    assert (budget.name, budget.per, budget.limits) == ("key alice", per, ((unit, limit),))


@pytest.mark.parametrize(
    "text", ["", "5", "usd/day", "5 eur/day", "5 usd/year", "0 usd/day", "1.5 requests/day"]
)
def test_what_is_no_limit_says_how_one_is_written(text):
    with pytest.raises(FarthingError, match="no limit"):
        limits_of("alice", [text])


def test_two_limits_of_the_same_leave_open_which():
    with pytest.raises(FarthingError, match="which"):
        limits_of("alice", ["5 usd/day", "6 usd/day"])
    assert len(limits_of("alice", ["5 usd/day", "6 usd/week", "7 tokens/day"])) == 3


def test_an_end_is_a_span_from_now_or_an_instant_to_come():
    assert instant_of("30d", NOW) == NOW + timedelta(days=30)
    assert instant_of("2027-01-31", NOW) == datetime(2027, 1, 31, tzinfo=UTC)
    assert instant_of("2026-11-24T02:00+01:00", NOW) == NOW + timedelta(hours=1)
    for wrong, said in (("soon", "no instant"), ("2020-01-01", "in the past")):
        with pytest.raises(FarthingError, match=said):
            instant_of(wrong, NOW)
    with pytest.raises(FarthingError, match="no span"):
        span_of("1 month")


@pytest.mark.parametrize("text", ["", "-x", "a b", "a|b", "é", "x" * 201])
def test_a_name_needs_no_quotes_anywhere(text):
    with pytest.raises(FarthingError, match="no name"):
        name_of(text)
    assert name_of("ci.bot_1@example-org") == "ci.bot_1@example-org"
