import pytest

from router.config import parse
from router.errors import ConfigError
from router.types import DOLLAR

SPEED = "prefill_tokens_per_second: 5000, decode_tokens_per_second: 1000"


def running(cost):
    text = f"""
upstreams:
  gpu: {{kind: openai, base_url: "http://127.0.0.1:8000/v1", cost: {{{cost}, {SPEED}}}}}
models: [{{name: m, upstream: gpu}}]
"""
    return parse(text, environ={}).upstreams["gpu"].cost.running()


def test_a_rented_hour_costs_its_rent_and_is_bought_on_demand():
    found = running("usd_per_hour: 1.80")
    assert (found.hour, found.energy, found.sunk) == (18 * DOLLAR // 10, 0, False)
    assert (found.prices().input, found.prices().output) == (100_000, 500_000)


def test_an_owned_machine_costs_its_share_and_its_power():
    found = running("purchase_usd: 8760, lifetime_years: 4, watts: {idle: 100, busy: 600}, usd_per_kwh: 0.30")
    assert (found.hour, found.energy, found.sunk) == (
        DOLLAR // 4 + 3 * DOLLAR // 100,
        15 * DOLLAR // 100,
        True,
    )
    # Its hours are paid anyway: one more call adds its power alone.
    assert found.prices().output == -(-15 * DOLLAR // 100 // (3600 * 1000))


@pytest.mark.parametrize(
    ("cost", "trouble"),
    [
        ("watts: {busy: 5}", "either 'usd_per_hour' or 'purchase_usd'"),
        ("usd_per_hour: 1, purchase_usd: 1", "either 'usd_per_hour' or 'purchase_usd'"),
        ("usd_per_hour: 1, watts: {idle: 6, busy: 5}", "more power idle than busy"),
        ("usd_per_hour: 1, hours: reserved", "a call would cost nothing"),
    ],
)
def test_a_cost_that_says_too_little_or_too_much_is_refused(cost, trouble):
    with pytest.raises(ConfigError, match=trouble):
        running(cost)
