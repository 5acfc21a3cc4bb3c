from datetime import date

from router.catalog import Knowledge
from router.catalog.facts import Facts
from router.catalog.pricemap import Known, PriceMap
from router.catalog.providers import Provider, Providers
from router.commands.ladder import ladder, market, merged
from router.types import Capability, Prices

TODAY = date(2026, 11, 23)
FACTS = Facts([{"id": f"m{rung}", "family": "m", "rung": rung or None} for rung in range(5)])


def known(price, **more):
    prices = None if price is None else Prices(input=price, output=price)
    return Known(source="a list", prices=prices, unpriced=None if prices else "it is not said", **more)


def names(offered):
    return [step.upstream_name for step in ladder(offered, FACTS, TODAY)]


def test_each_step_is_larger_and_dearer_than_the_last():
    offered = [("a/m4", known(40)), ("a/m1", known(10)), ("a/m3", known(30)), ("a/m2", known(20))]
    assert names(offered) == ["a/m1", "a/m2", "a/m3", "a/m4"]


def test_a_model_that_a_larger_one_undercuts_is_no_step():
    assert names([("m1", known(10)), ("m2", known(50)), ("m3", known(30))]) == ["m1", "m3"]
    assert names([("m1", known(30)), ("m3", known(30))]) == ["m3"]


def test_of_one_rung_the_cheapest_is_taken():
    assert names([("m1-fp8", known(11)), ("m1", known(10)), ("m1-turbo", known(12))]) == ["m1"]


def test_what_is_not_ours_or_on_no_rung_is_left_out():
    assert names([("gpt-9", known(1)), ("m0", known(1)), ("m1", known(10))]) == ["m1"]


def test_what_is_retired_within_a_month_is_left_out():
    soon, later = date(2026, 12, 1), date(2027, 6, 1)
    assert names([("m1", known(10, retires=soon)), ("m2", known(20, retires=later))]) == ["m2"]


def test_unpriced_models_are_shown_only_where_nothing_has_a_price():
    assert names([("m1", known(None)), ("m2", known(20))]) == ["m2"]
    assert names([("m2", known(None)), ("m1", known(None))]) == ["m1", "m2"]


def test_a_providers_own_list_says_what_it_serves_and_others_fill_its_gaps():
    window = known(7, context_window=4096, capabilities=frozenset({Capability.TOOLS}))
    listed = {"m1": known(None), "m2": known(5)}
    joined = dict(merged(listed, [("m1", window), ("gone", known(1))]))
    assert set(joined) == {"m1", "m2"}
    assert (joined["m1"].prices, joined["m1"].unpriced) == (window.prices, None)
    assert joined["m1"].context_window == 4096


def test_without_a_list_of_its_own_the_other_lists_are_taken():
    assert dict(merged(None, [("m1", known(1))])) == {"m1": known(1)}


def test_the_market_price_of_a_model_is_the_lowest_anybody_asks():
    dear, cheap = (
        Provider(
            id=name,
            name=name,
            base_url=f"https://{name}/v1",
            local=False,
            offers=((f"{name}/m1", known(price)),),
        )
        for name, price in (("dear", 9), ("cheap", 3))
    )
    knowledge = Knowledge(facts=FACTS, providers=Providers([dear, cheap]), prices=PriceMap())
    assert market(knowledge) == {"m1": ("cheap", Prices(input=3, output=3))}
