from datetime import datetime

import pytest

from router.catalog.listed import prices_of
from router.pricing import charge
from router.types import Usage
from tests.support.world import model

TUESDAY = datetime.fromisoformat("2026-11-24T11:30:00+00:00")


def listed(provider="acme", **more):
    entry = {
        "input_cost_per_token": 1e-7,
        "output_cost_per_token": 2e-7,
        "litellm_provider": provider,
        **more,
    }
    written = {key: repr(value) if isinstance(value, float) else value for key, value in entry.items()}
    return prices_of(written, "a list")


def cost(prices, at=TUESDAY, **usage):
    return charge(model("m", prices=prices), Usage(**usage), at).amount


def test_a_tier_by_length_holds_above_its_threshold():
    prices = listed(
        input_cost_per_token_above_128k_tokens=4e-7, cache_read_input_token_cost_above_128k_tokens=1e-7
    )
    assert cost(prices, input=128_000, output=1) == 128_000 * 100_000 + 200_000
    assert cost(prices, input=128_001, output=1) == 128_001 * 400_000 + 200_000
    assert cost(prices, input=200_000, output=0, cached=200_000) == 200_000 * 100_000


def test_one_provider_counts_the_threshold_itself():
    prices = listed("xai", input_cost_per_token_above_128k_tokens=4e-7)
    assert cost(prices, input=128_000, output=0) == 128_000 * 400_000


def test_tiers_by_range_are_price_lists_of_their_own():
    prices = prices_of(
        {
            "tiered_pricing": [
                {"input_cost_per_token": "1e-7", "output_cost_per_token": "2e-7", "range": [0, 1000],
                 "cache_read_input_token_cost": "1e-8"},
                {"input_cost_per_token": "3e-7", "output_cost_per_token": "6e-7", "range": [1000, 2000]},
            ]
        },
        "a list",
    )  # fmt: skip
    assert cost(prices, input=1000, output=1, cached=1000) == 1000 * 10_000 + 200_000
    assert cost(prices, input=1001, output=1, cached=1001) == 1001 * 300_000 + 600_000


def test_a_service_tier_holds_where_it_was_served():
    prices = listed(
        input_cost_per_token_flex=5e-8, output_cost_per_token_batches=1e-7, input_cost_per_token_priority=9e-7
    )
    amounts = [cost(prices, input=10, output=10, tier=tier) for tier in (None, "flex", "batch", "priority")]
    assert amounts == [3_000_000, 2_500_000, 2_000_000, 11_000_000]


def test_the_length_holds_within_a_tier_too():
    prices = listed(
        input_cost_per_token_flex=5e-8,
        input_cost_per_token_above_200k_tokens=2e-7,
        output_cost_per_token_above_200k_tokens_flex=1e-7,
    )
    assert cost(prices, input=300_000, output=1, tier="flex") == 300_000 * 200_000 + 100_000


OFF_PEAK = {
    "input_cost_per_token": "5e-8",
    "windows": [
        {"hours_utc": ["00:00-01:00", "10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]},
        {"hours_utc": "00:00-00:00", "weekdays": [6, 7]},
    ],
}


@pytest.mark.parametrize(
    ("zone", "at", "cheap"),
    [
        (None, "2026-11-24T09:59+00:00", False),
        (None, "2026-11-24T10:00+00:00", True),
        (None, "2026-11-24T23:59+00:00", True),
        (None, "2026-11-25T00:59+00:00", True),
        (None, "2026-11-25T01:00+00:00", False),
        (None, "2026-11-28T05:00+00:00", True),  # Saturday
        (None, "2026-11-27T17:00+00:00", True),  # Friday evening
        ("Asia/Shanghai", "2026-11-27T17:00+00:00", True),  # already Saturday there
        ("Asia/Shanghai", "2026-11-29T17:00+00:00", True),  # Monday there, and within its hours
        ("Asia/Shanghai", "2026-11-29T09:00+00:00", True),  # Sunday there
        ("Asia/Shanghai", "2026-11-30T05:00+00:00", False),
    ],
)
def test_cheap_hours_are_read_in_utc_and_weekdays_in_their_calendar(zone, at, cheap):
    block = OFF_PEAK if zone is None else {**OFF_PEAK, "weekday_timezone": zone}
    amount = cost(listed(off_peak_pricing=block), datetime.fromisoformat(at), input=1, output=0)
    assert amount == (50_000 if cheap else 100_000)


def test_reasoning_has_its_own_price():
    prices = listed(output_cost_per_reasoning_token=8e-7)
    assert cost(prices, input=0, output=10, reasoning=4) == 6 * 200_000 + 4 * 800_000


def test_a_provider_that_halves_cached_input_does_so_without_being_listed():
    assert listed("fireworks_ai").cached_input == 50_000
    assert listed("fireworks_ai", cache_read_input_token_cost=1e-8).cached_input == 10_000


@pytest.mark.parametrize("entry", [{}, {"input_cost_per_token": 1}, {"output_cost_per_token": 1}])
def test_an_entry_without_both_prices_has_none(entry):
    assert prices_of(entry, "a list") is None
