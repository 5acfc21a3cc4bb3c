from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.catalog.money import (
    PICO,
    from_usd_per_token,
    picodollars_per_token,
    usd,
    usd_per_million_text,
    usd_text,
)

prices = st.decimals(min_value=0, max_value=1000, allow_nan=False, allow_infinity=False, places=9)


@pytest.mark.parametrize(
    ("written", "picodollars"),
    [("1", 10**6), ("0.05", 50_000), (3, 3_000_000), (Decimal("0.000001"), 1), ("0", 0), ("1E+1", 10**7)],
)
def test_a_dollar_a_million_tokens_is_a_million_picodollars_a_token(written, picodollars):
    assert picodollars_per_token(written) == picodollars


@pytest.mark.parametrize(("written", "picodollars"), [("0.0000001", 1), ("0.0000010000001", 2), ("1e-30", 1)])
def test_what_is_finer_than_a_picodollar_is_rounded_up(written, picodollars):
    assert picodollars_per_token(written) == picodollars


@given(prices)
def test_no_price_is_booked_too_low_nor_a_picodollar_too_high(price):
    exact = Fraction(price) * 10**6
    assert 0 <= picodollars_per_token(price) - exact < 1


@given(prices, prices)
def test_a_higher_price_is_never_booked_lower(one, other):
    low, high = sorted([one, other])
    assert picodollars_per_token(low) <= picodollars_per_token(high)


@given(st.integers(min_value=0, max_value=10**9))
def test_a_price_survives_being_written_and_read(picodollars):
    assert picodollars_per_token(usd_per_million_text(picodollars)) == picodollars


@given(st.integers(min_value=0, max_value=10**12))
def test_a_price_that_went_through_a_double_is_read_as_it_was_meant(picodollars):
    dollars = picodollars / PICO
    assert from_usd_per_token(repr(dollars)) == picodollars


def test_noise_of_a_price_lists_own_arithmetic_is_not_booked():
    assert from_usd_per_token("1.3200000000000002E-7") == 132_000
    assert from_usd_per_token(Decimal("0.13200000000000002E-6")) == 132_000


@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_dollars_are_written_exactly_and_without_an_exponent(amount):
    text = usd_text(amount)
    assert Fraction(text) == Fraction(amount, PICO)
    assert Fraction(usd(amount)) == Fraction(amount, PICO)
    assert "e" not in text.lower()


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (1, "0.000000000001"), (PICO, "1"), (150_000, "0.00000015"), (-PICO // 4, "-0.25")],
)
def test_dollars_have_no_idle_zeros(amount, text):
    assert usd_text(amount) == text


@pytest.mark.parametrize(
    "wrong", ["", "free", "-1", "NaN", "Infinity", "-0.000001", "1e15", "1e-40", "1e999999999"]
)
@pytest.mark.parametrize("read", [picodollars_per_token, from_usd_per_token])
def test_what_is_no_price_is_refused(read, wrong):
    with pytest.raises(ValueError, match="no price"):
        read(wrong)


@pytest.mark.parametrize("read", [picodollars_per_token, from_usd_per_token])
def test_a_float_is_refused_for_it_has_lost_its_decimals(read):
    with pytest.raises(TypeError, match="float"):
        read(0.1)
