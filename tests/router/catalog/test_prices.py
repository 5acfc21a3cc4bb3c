from hypothesis import given
from hypothesis import strategies as st

from router.catalog.prices import charge
from router.types import Charge, Grade, Prices, Usage

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
    assert charge(prices, usage) == Charge(amount=amount, bound=amount, grade=Grade.COMPUTED)


def test_without_their_own_prices_cached_and_written_tokens_cost_what_others_do():
    usage = Usage(input=10, output=0, cached=5, cache_write=3)
    assert charge(Prices(input=100, output=1), usage).amount == 1000


def test_what_has_no_price_is_unpriced_and_never_zero():
    usage = Usage(input=10, output=2, cost=99)
    assert charge(None, usage) == Charge(amount=None, bound=None, grade=Grade.UNPRICED, reported=99)


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
    assert charge(prices, usage) == Charge(amount=3000, bound=20 * 125 + 50 * 1000, grade=Grade.ESTIMATED)


def test_an_estimate_without_a_bound_has_none():
    usage = Usage(input=10, output=2, grade=Grade.ESTIMATED)
    assert charge(Prices(input=1, output=1), usage) == Charge(amount=12, bound=None, grade=Grade.ESTIMATED)


def test_what_the_provider_says_it_charged_stands_beside_what_is_computed():
    found = charge(Prices(input=1, output=1), Usage(input=10, output=2, cost=11))
    assert (found.amount, found.reported) == (12, 11)


def test_impossible_usage_is_charged_as_said_and_graded_as_an_estimate():
    """A provider that counts cached tokens beside the input, not within it."""
    prices = Prices(input=100, output=1000, cached_input=10)
    found = charge(prices, Usage(input=5, output=1, cached=50))
    assert found == Charge(amount=50 * 10 + 1000, bound=55 * 100 + 1000, grade=Grade.ESTIMATED)


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
