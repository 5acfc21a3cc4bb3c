from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from router.pricing import charge as charge_model
from router.pricing import quote
from router.types import Charge, Grade, Override, Prices, Rates, Usage
from router.windows import Window
from tests.support.world import model


def charge(prices, usage, at=None):
    return charge_model(model("m", prices=prices), usage, at)


cost = st.integers(min_value=0, max_value=10**9)
tokens = st.integers(min_value=0, max_value=10**8)
price_lists = st.builds(
    Prices,
    input=cost,
    output=cost,
    cached_input=st.none() | cost,
    cache_write=st.none() | cost,
    request=st.just(0) | cost,
)


@st.composite
def reported(draw):
    """Usage as a provider reports it: the parts never exceed the whole."""
    whole = draw(tokens)
    cached = draw(st.none() | st.integers(min_value=0, max_value=whole))
    write = draw(st.none() | st.integers(min_value=0, max_value=whole - (cached or 0)))
    return Usage(input=whole, output=draw(tokens), cached=cached, cache_write=write)


def test_cached_and_written_tokens_are_parts_of_the_input():
    prices = Prices(input=100, output=1000, cached_input=10, cache_write=125, request=7)
    usage = Usage(input=10, output=2, cached=5, cache_write=3, reasoning=1)
    amount = 7 + 2 * 100 + 5 * 10 + 3 * 125 + 2 * 1000
    assert charge(prices, usage) == Charge(amount=amount, bound=amount, grade=Grade.COMPUTED, computed=amount)


def test_without_their_own_prices_cached_and_written_tokens_cost_what_others_do():
    usage = Usage(input=10, output=0, cached=5, cache_write=3)
    assert charge(Prices(input=100, output=1), usage).amount == 1000


def test_what_has_no_price_is_unpriced_and_never_zero():
    usage = Usage(input=10, output=2)
    assert charge(None, usage) == Charge(amount=None, bound=None, grade=Grade.UNPRICED)
    assert charge(None, replace(usage, cost=0)) == Charge(
        amount=None, bound=None, grade=Grade.UNPRICED, reported=0
    )


def test_what_has_no_price_costs_what_its_provider_says():
    found = charge(None, Usage(input=10, output=2, cost=99))
    assert found == Charge(amount=99, bound=99, grade=Grade.REPORTED, reported=99)


def test_what_was_not_counted_has_no_amount():
    assert charge(Prices(input=1, output=1), Usage(input=10)) == Charge(
        amount=None, bound=None, grade=Grade.NONE
    )


def test_a_price_of_zero_is_a_price():
    assert charge(Prices(input=0, output=0), Usage(input=10, output=2)).grade is Grade.COMPUTED


def test_a_call_that_used_nothing_costs_nothing_even_where_calls_have_a_price():
    usage = Usage(input=0, output=0, grade=Grade.COMPUTED)
    assert charge(Prices(input=1, output=1, request=500), usage).amount == 0


def test_an_estimate_is_bounded_by_what_it_can_have_been_at_most():
    prices = Prices(input=100, output=1000, cached_input=10, cache_write=125)
    usage = Usage(input=10, output=2, grade=Grade.ESTIMATED, input_bound=20, output_bound=50)
    assert charge(prices, usage) == Charge(
        amount=3000, bound=20 * 125 + 50 * 1000, grade=Grade.ESTIMATED, computed=3000
    )


def test_an_estimate_without_a_bound_has_none():
    usage = Usage(input=10, output=2, grade=Grade.ESTIMATED)
    assert charge(Prices(input=1, output=1), usage) == Charge(
        amount=12, bound=None, grade=Grade.ESTIMATED, computed=12
    )


def test_what_the_provider_says_it_charged_is_booked_beside_what_is_computed():
    found = charge(Prices(input=1, output=1), Usage(input=10, output=2, cost=11))
    assert found == Charge(amount=11, bound=11, grade=Grade.REPORTED, reported=11, computed=12)


def test_a_provider_that_says_it_charged_nothing_is_not_believed():
    found = charge(Prices(input=1, output=1), Usage(input=10, output=2, cost=0))
    assert (found.amount, found.reported, found.grade) == (12, 0, Grade.COMPUTED)


def test_what_a_provider_says_of_an_estimate_is_not_booked():
    usage = Usage(input=10, output=2, cost=1, grade=Grade.ESTIMATED, input_bound=10, output_bound=2)
    assert charge(Prices(input=1, output=1), usage).grade is Grade.ESTIMATED


def test_parts_with_a_price_of_their_own_are_counted_once():
    prices = Prices(
        input=100, output=1000, reasoning=500, audio_input=300, image_input=50, audio_output=2000,
        cache_write=125, cache_write_long=200, search=7, image=9,
    )  # fmt: skip
    usage = Usage(
        input=100, output=50, cached=10, cache_write=20, cache_write_long=5, audio_input=30, image_input=4,
        reasoning=25, audio_output=5, searches=2, images=3,
    )  # fmt: skip
    read = 10 * 100 + 15 * 125 + 5 * 200 + 30 * 300 + 4 * 50 + (100 - 10 - 20 - 30 - 4) * 100
    written = 25 * 500 + 5 * 2000 + 20 * 1000
    assert charge(prices, usage).amount == read + written + 2 * 7 + 3 * 9


def test_where_a_dearer_part_is_not_told_the_amount_is_an_estimate_and_bounded():
    """As of a cache that is written to at a surcharge, by an upstream that does not tell of it."""
    prices = Prices(input=100, output=1, cache_write=125)
    found = charge(prices, Usage(input=10, output=2))
    assert (found.amount, found.bound, found.grade) == (1002, 1252, Grade.ESTIMATED)
    assert charge(prices, Usage(input=10, output=2, cache_write=0)).grade is Grade.COMPUTED


def test_a_call_costs_at_least_the_minimum_if_it_used_anything():
    prices = Prices(input=1, output=1, minimum=500)
    assert charge(prices, Usage(input=10, output=2)).amount == 500
    assert charge(prices, Usage(input=0, output=0)).amount == 0


def test_a_longer_prompt_moves_every_token_into_its_tier():
    prices = Prices(input=1, output=10, overrides=(Override(above=100, rates=Rates(input=2, output=20)),))
    assert charge(prices, Usage(input=100, output=1)).amount == 110
    assert charge(prices, Usage(input=101, output=1)).amount == 222


def test_of_several_overrides_that_hold_the_later_wins_kind_by_kind():
    flex = Override(tier="flex", rates=Rates(input=1))
    prices = Prices(input=4, output=10, overrides=(Override(above=10, rates=Rates(input=8, output=20)), flex))
    assert charge(prices, Usage(input=20, output=1, tier="flex")).amount == 20 + 20
    assert charge(prices, Usage(input=20, output=1, tier="priority")).amount == 160 + 20


BEIJING_NIGHT = Window(zone="Asia/Shanghai", start=30, end=8 * 60 + 30)


def instant(text):
    return datetime.fromisoformat(text)


def test_the_price_of_an_hour_holds_at_that_hour_and_not_without_a_time():
    night = Override(windows=(BEIJING_NIGHT,), rates=Rates(input=1))
    prices = Prices(input=4, output=0, overrides=(night,))
    usage = Usage(input=10, output=0)
    amounts = [
        charge(prices, usage, at).amount
        for at in (instant("2026-11-24T20:00+00:00"), instant("2026-11-24T12:00+00:00"), None)
    ]
    assert amounts == [10, 40, 40]


def test_a_new_price_holds_from_its_day_on():
    day = instant("2026-12-01T00:00+00:00")
    prices = Prices(input=4, output=0, overrides=(Override(since=day, rates=Rates(input=5)),))
    usage = Usage(input=1, output=0)
    assert charge(prices, usage, day - timedelta(microseconds=1)).amount == 4
    assert charge(prices, usage, day).amount == 5


def test_a_bound_takes_the_tier_that_the_bound_reaches():
    prices = Prices(input=1, output=1, overrides=(Override(above=100, rates=Rates(input=3)),))
    usage = Usage(input=10, output=0, grade=Grade.ESTIMATED, input_bound=200, output_bound=0)
    assert (charge(prices, usage).amount, charge(prices, usage).bound) == (10, 600)


def test_a_quote_is_what_the_same_tokens_are_charged_later():
    at = instant("2026-11-24T20:00+00:00")
    prices = Prices(
        input=3, output=7, request=5, minimum=20, image=11,
        overrides=(Override(windows=(BEIJING_NIGHT,), rates=Rates(input=2)),),
    )  # fmt: skip
    one = model("m", prices=prices)
    for read, written in ((0, 1), (10, 20), (1000, 3)):
        usage = Usage(input=read, output=written, images=1)
        quoted = quote(one, input_tokens=read, output_tokens=written, at=at, images=1)
        assert quoted == charge(prices, usage, at).amount


def test_impossible_usage_is_charged_as_said_and_graded_as_an_estimate():
    """A provider that counts cached tokens beside the input, not within it."""
    prices = Prices(input=100, output=1000, cached_input=10)
    found = charge(prices, Usage(input=5, output=1, cached=50))
    assert found == Charge(amount=50 * 10 + 1000, bound=55 * 100 + 1000, grade=Grade.ESTIMATED, computed=1500)


def test_negative_counts_are_no_counts():
    assert charge(Prices(input=1, output=1), Usage(input=-5, output=1)).grade is Grade.NONE


@given(price_lists, reported())
def test_the_amount_is_the_sum_of_its_parts(prices, usage):
    cached, write = usage.cached or 0, usage.cache_write or 0
    parts = [
        Usage(input=usage.input - cached - write, output=0),
        Usage(input=cached, output=0, cached=cached),
        Usage(input=write, output=0, cache_write=write),
        Usage(input=0, output=usage.output),
    ]
    whole = charge(prices, usage).amount
    calls = sum(bool(part.input or part.output) for part in parts)
    fees = prices.request * (calls - bool(usage.input or usage.output))
    assert whole == sum(charge(prices, part).amount for part in parts) - fees


@given(price_lists, reported(), tokens, tokens)
def test_more_tokens_never_cost_less(prices, usage, more_input, more_output):
    more = Usage(
        input=usage.input + more_input,
        output=usage.output + more_output,
        cached=usage.cached,
        cache_write=usage.cache_write,
    )
    assert charge(prices, more).amount >= charge(prices, usage).amount


@given(price_lists, st.none() | tokens, st.none() | tokens, st.none() | tokens, st.none() | tokens)
def test_money_is_whole_and_no_bound_lies_below_its_amount(prices, whole, cached, output, bound):
    usage = Usage(input=whole, output=output, cached=cached, grade=Grade.ESTIMATED, output_bound=bound)
    found = charge(prices, usage)
    assert found.amount is None or type(found.amount) is int
    assert found.bound is None or found.bound >= found.amount >= 0
