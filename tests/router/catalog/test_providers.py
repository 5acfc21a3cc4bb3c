import re

import pytest

from router.catalog.providers import Providers
from router.types import Capability


def test_every_hosted_provider_is_reached_safely_and_names_its_key():
    for row in Providers.load().hosted:
        assert re.fullmatch(r"https://[a-z0-9.-]+(/[a-z0-9]+)*", row.base_url), row.id
        assert re.fullmatch(r"[A-Z][A-Z0-9_]+", row.key), row.id
        assert re.fullmatch(r"[a-z0-9]+", row.id)


def test_every_engine_is_on_this_machine_and_needs_no_key():
    for row in Providers.load().engines:
        assert row.base_url.startswith("http://127.0.0.1:"), row.id
        assert row.key is None


def test_no_two_providers_share_a_key_or_an_address():
    rows = list(Providers.load())
    assert len({row.base_url for row in rows}) == len(rows)
    keys = [row.key for row in rows if row.key]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "llamacpp"])
def test_an_engine_that_calls_tools_only_if_told_to_is_not_taken_to_call_them(engine):
    assert Capability.TOOLS not in Providers.load().get(engine).can


def test_a_price_of_ours_says_where_it_is_from_and_of_when():
    offers = [known for row in Providers.load() for _, known in row.offers if known.prices]
    assert offers
    for known in offers:
        assert re.fullmatch(r".+, 2\d{3}-\d\d-\d\d", known.prices.source)


def test_a_provider_nobody_knows_is_none():
    assert Providers.load().get("acme") is None
    assert Providers.load().get(None) is None
